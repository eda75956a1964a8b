// Typed events, called in the order of their registration.

export class Emitter<E> {
  private readonly listeners = new Map<keyof E, Set<(e: never) => void>>();

  /** Calls f at every event of a sort; returns how to stop that. */
  on<K extends keyof E>(sort: K, f: (e: E[K]) => void): () => void {
    const set = this.listeners.get(sort) ?? new Set();
    this.listeners.set(sort, set);
    set.add(f as (e: never) => void);
    return () => set.delete(f as (e: never) => void);
  }

  protected emit<K extends keyof E>(sort: K, e: E[K]): void {
    for (const f of this.listeners.get(sort) ?? []) (f as (e: E[K]) => void)(e);
  }
}
