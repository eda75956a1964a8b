// The console shows what GET /v1/nodes and GET /v1/matches answer, once every two seconds. It changes nothing.
'use strict';

const every = 2000;   // ms between looks
const shown = 200;    // matches at most

const $ = (id) => document.getElementById(id);

// get makes a call with the key that was entered, if any.
async function get(path) {
  const key = sessionStorage.getItem('key');
  const r = await fetch(path, { headers: key ? { Authorization: 'Bearer ' + key } : {} });
  if (r.status === 401) {
    sessionStorage.removeItem('key');
    $('key').hidden = false;
    throw new Error('a key is needed');
  }
  if (!r.ok) throw new Error((await r.json()).detail);
  $('key').hidden = true;
  return r.json();
}

// cell makes a table cell of text; nothing that a server says is ever read as HTML.
function cell(text, kind = '', tag = '') {
  const td = document.createElement('td');
  if (kind) td.className = kind;
  (tag ? td.appendChild(document.createElement(tag)) : td).textContent = text;
  return td;
}

function row(...cells) {
  const tr = document.createElement('tr');
  tr.append(...cells);
  return tr;
}

function nodeRow(n) {
  const load = document.createElement('meter');
  load.max = 1;
  load.high = 0.8;
  load.value = n.load;
  load.title = Math.round(100 * n.load) + ' % of its places';
  const td = cell('');
  td.append(load);
  return row(cell(n.id, '', 'code'), cell(n.state, n.state === 'ready' ? 'good' : 'bad'), cell(n.region || '–'),
    cell(n.public_url || 'any node', n.public_url ? '' : 'dim'), cell(n.matches, 'n'), cell(n.players, 'n'), td, cell(n.version, 'dim'));
}

const short = (id) => (id ? id.slice(0, 7) : '–');

function matchRow(m, alone) {
  const safe = m.protected ? cell('yes', 'good') : cell(alone ? 'no: a lone node' : 'no: ' + (m.unprotected || 'not yet'), 'bad');
  return row(cell(m.match_id, '', 'code'), cell(m.game), cell(m.state), cell(m.tick, 'n'), cell(m.players + ' of ' + m.seats, 'n'),
    cell(short(m.owner), '', 'code'), cell(short(m.standby), '', 'code'), cell(short(m.witness), '', 'code'), cell(m.epoch, 'n'), safe);
}

async function look() {
  try {
    const [n, m] = await Promise.all([get('v1/nodes'), get('v1/matches?limit=' + shown)]);
    const alone = n.nodes.length === 1;
    $('nodes').replaceChildren(...n.nodes.map(nodeRow));
    $('matches').replaceChildren(...m.matches.map((x) => matchRow(x, alone)));
    const players = n.nodes.reduce((sum, x) => sum + x.players, 0);
    const matches = n.nodes.reduce((sum, x) => sum + x.matches, 0);
    const open = m.matches.filter((x) => !x.protected).length;
    $('summary').textContent = `${n.nodes.length} nodes, ${matches} matches, ${players} players` + (open ? `; ${open} of the matches below would not survive their node` : '');
    $('summary').className = '';
    $('more').textContent = (m.next ? `The first ${shown} matches. ` : '') + (m.missing ? `No answer from ${m.missing.join(', ')}.` : '');
  } catch (e) {
    $('summary').textContent = String(e.message || e);
    $('summary').className = 'bad';
  }
}

$('key').addEventListener('submit', (e) => {
  e.preventDefault();
  sessionStorage.setItem('key', new FormData(e.target).get('key'));
  e.target.reset();
  look();
});
look();
setInterval(() => { if (!document.hidden) look(); }, every);
