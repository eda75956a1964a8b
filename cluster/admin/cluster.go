package admin

var (
	mAdminLimited = counter("admin_requests_limited_total", "Requests of operators refused by the rate limit.")
	mUnprotected  = gauge("matches_unprotected", "Running matches that would not survive the death of their node, by reason.", "reason")

	mMembers       = gauge("cluster_members", "Nodes that this node knows of.", "state")
	mParts         = gauge("cluster_parts", "Matches that this node has a part in: as their owner, or as standby, witness or candidate.", "part")
	mClusterNow    = gauge("cluster_now", "Other things about the cluster that there are now.", "what")
	mClusterTotal  = counter("cluster_events_total", "Things that happened between nodes.", "what")
	mClusterErrors = counter("cluster_errors_total", "Things that went wrong between nodes.", "what")

	mWebhookPending   = gauge("webhook_pending", "Results that wait to be delivered.")
	mWebhookOpen      = gauge("webhook_breaker_open", "1 while the receiver of results is left alone because it failed.")
	mWebhookDelivered = counter("webhook_delivered_total", "Results delivered.")
	mWebhookFailed    = counter("webhook_failed_attempts_total", "Deliveries that failed and are tried again.")
	mWebhookDropped   = counter("webhook_dropped_total", "Results that will not be delivered: too many waited, or the disk failed.")
)

// cluster sends off what there is beside this node's own players and matches.
func (p putter) cluster(k *Counters) {
	labelled(p, mUnprotected, k.Unprotected)
	if c := k.Cluster; c != nil {
		labelled(p, mMembers, c.Members)
		labelled(p, mParts, c.Parts)
		labelled(p, mClusterNow, c.Gauges)
		labelled(p, mClusterTotal, c.Totals)
		labelled(p, mClusterErrors, c.Errors)
	}
	p.webhook(k.Webhook)
}

func (p putter) webhook(w *WebhookCounters) {
	if w == nil {
		return
	}
	open := 0.0
	if w.Open {
		open = 1
	}
	p.value(mWebhookPending, float64(w.Pending))
	p.value(mWebhookOpen, open)
	p.value(mWebhookDelivered, float64(w.Delivered))
	p.value(mWebhookFailed, float64(w.Attempts))
	p.value(mWebhookDropped, float64(w.Dropped))
}
