// A strict Amazon SES v2 for tests: no dependencies, no code shared with the product.
//
//   node t/fake/ses.mjs [--port N] [--ledger FILE] [--rate N] [--latency MS] [--keep]
//        [--key ID] [--secret S] [--region R] [--anytime: a signature of another hour is taken]
//        [--close MS: without a word it ends a connection that is idle for so long after an answer]
//
// Prints "port N" when it listens on 127.0.0.1.  Checks every signature with its own code,
// the shape of every body, the cap of 50 entries and a token bucket counted in recipients.
// What it accepts becomes a line of JSON in the ledger before the answer leaves.
//
// Faults are injected by a script: PUT /_script with a list of rules; each send call takes
// the first rule that applies:
//   {"every": 7 | "first": 3 | "at": 12 | "chance": 0.01 | (nothing: always), "do": ...}
// A rule with "reused": true applies only where the connection has had an answer before.
// A rule with "name" is counted under that name in /_stats, how often it applied.
// where do is one of
//   {"status": 429, "type": "TooManyRequestsException", "message": "..."}   refused, not accepted
//   {"status": 500, ..., "accept": true}     accepted, then an error all the same
//   "reset"     the connection ends after the body was read; not accepted
//   "drop"      accepted, then the connection ends without an answer
//   "hang"      accepted, and no answer ever
//   "truncate"  accepted, and half an answer
//   "miscount"  accepted, and a bulk answer with a result too few
//   {"entry": "ACCOUNT_THROTTLED", "message": "...", "each": 3}   every third entry of a bulk call
// PUT /_keys {"ID": "secret", ...}: the keys that are good from now on; calls by each are counted
// as "key ID" in /_stats.
// GET /_stats, GET /_ledger (what was accepted, as JSON), POST /_clear.

import { createServer } from 'node:http';
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { appendFileSync, openSync } from 'node:fs';

const args = Object.fromEntries(process.argv.slice(2).join(' ').split('--').filter(Boolean)
  .map((a) => a.trim().split(/[ =]/)).map(([k, v]) => [k, v ?? true]));
let keys = { [args.key || 'AKIDEXAMPLE']: args.secret || 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const region = args.region || 'eu-central-1';
const rate = Number(args.rate || 0);
const ledgerFile = args.ledger ? openSync(args.ledger, 'a') : null;

let script = [], calls = 0, accepted = [], stats;
let tokens = rate, filled = Date.now();
const clear = () => {
  script = []; calls = 0; accepted = [];
  stats = { calls: 0, accepted: 0, refused: 0, faults: 0, badSignature: 0, malformed: 0, throttled: 0, connections: 0 };
};
clear();

const sha = (s) => createHash('sha256').update(s).digest('hex');
const mac = (k, s) => createHmac('sha256', k).update(s).digest();

class Refusal extends Error {
  constructor(status, type, message) { super(message); this.status = status; this.type = type; }
}
const bad = (message) => { stats.malformed++; return new Refusal(400, 'BadRequestException', message); };

// ---- signature (AWS's "Create a signed request", written anew) ----
function checkSignature(req, path, query, body) {
  const refuse = (m) => { stats.badSignature++; return new Refusal(403, 'InvalidSignatureException', m); };
  const m = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/
    .exec(req.headers.authorization || '');
  if (!m) throw new Refusal(403, 'MissingAuthenticationToken', 'no signature');
  const [, id, day, where, service, names, signature] = m;
  const date = req.headers['x-amz-date'] || '';
  if (!Object.hasOwn(keys, id)) throw new Refusal(403, 'UnrecognizedClientException', 'The security token included in the request is invalid.');
  if (where !== region || service !== 'ses') throw refuse('credential scope');
  const t = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (!t || !date.startsWith(day)) throw refuse('date');
  const skew = Math.abs(Date.UTC(+t[1], t[2] - 1, +t[3], +t[4], +t[5], +t[6]) - Date.now());
  if (skew > 300000 && !args.anytime) throw refuse('Signature expired');
  const list = names.split(';');
  if (!list.includes('host') || !list.includes('x-amz-date')) throw refuse('host and x-amz-date must be signed');
  if ([...list].sort().join(';') !== names) throw refuse('SignedHeaders not sorted');
  for (const h of Object.keys(req.headers))
    if (h.startsWith('x-amz-') && !list.includes(h)) throw refuse(`${h} is not signed`);
  const hash = sha(body);
  if (req.headers['x-amz-content-sha256'] && req.headers['x-amz-content-sha256'] !== hash) throw refuse('body hash');
  for (const h of list) if (req.headers[h] === undefined) throw refuse(`${h} is signed but was not sent`);
  const canonical = [req.method, path, query, ...list.map((h) => `${h}:${req.headers[h].trim().replace(/ +/g, ' ')}`), '', names, hash].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', date, `${day}/${region}/ses/aws4_request`, sha(canonical)].join('\n');
  const key = mac(mac(mac(mac('AWS4' + keys[id], day), region), 'ses'), 'aws4_request');
  if (!timingSafeEqual(mac(key, toSign), Buffer.from(signature, 'hex'))) throw refuse('The request signature we calculated does not match.');
  stats[`key ${id}`] = (stats[`key ${id}`] || 0) + 1;
}

// ---- shapes ----
function only(o, what, names, needed = []) {
  if (typeof o !== 'object' || o === null || Array.isArray(o)) throw bad(`${what} is not a structure`);
  for (const k of Object.keys(o)) if (!names.includes(k)) throw bad(`${what}.${k} is not known`);
  for (const k of needed) if (o[k] === undefined) throw bad(`${what}.${k} is missing`);
  return o;
}
const text = (v, what) => { if (typeof v !== 'string') throw bad(`${what} is not a string`); return v; };
function address(v, what) {
  text(v, what);
  if (/[^\x20-\x7e]/.test(v)) throw bad(`${what} is not ASCII`);
  const m = /^(?:(?:"(?:[^"\\]|\\.)*"|[^<>",]*) )?<([^<> ]+)>$/.exec(v);
  const plain = m ? m[1] : v;
  if (!/^[^\s@<>",;]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(plain)) throw bad(`${what}: Illegal address`);
  return plain;
}
function headers(list, what) {
  if (!list) return [];
  if (!Array.isArray(list) || list.length > 15) throw bad(`${what}: at most 15`);
  const seen = new Set();
  return list.map((h) => {
    only(h, what, ['Name', 'Value'], ['Name', 'Value']);
    if (!/^[!-9;-@A-~]{1,126}$/.test(h.Name)) throw bad(`${what}: name ${h.Name}`);
    if (!/^[ -~]{0,870}$/.test(h.Value)) throw bad(`${what}: value of ${h.Name}`);
    if (seen.has(h.Name.toLowerCase())) throw bad(`${what}: ${h.Name} twice`);
    seen.add(h.Name.toLowerCase());
    return [h.Name, h.Value];
  });
}
function tags(list) {
  if (!list) return {};
  if (!Array.isArray(list) || list.length > 50) throw bad('tags: at most 50');
  return Object.fromEntries(list.map((t) => {
    only(t, 'tag', ['Name', 'Value'], ['Name', 'Value']);
    if (!/^[A-Za-z0-9_-]{1,256}$/.test(t.Name) || !/^[A-Za-z0-9_-]{1,256}$/.test(t.Value)) throw bad('Invalid tag');
    return [t.Name, t.Value];
  }));
}
function destination(d) {
  only(d, 'Destination', ['ToAddresses', 'CcAddresses', 'BccAddresses'], ['ToAddresses']);
  const all = [...d.ToAddresses, ...(d.CcAddresses || []), ...(d.BccAddresses || [])];
  if (all.length < 1 || all.length > 50) throw bad('1 to 50 recipients');
  return all.map((a) => address(a, 'recipient'));
}
function common(b) {
  const from = text(b.FromEmailAddress, 'FromEmailAddress');
  address(from, 'FromEmailAddress');
  (b.ReplyToAddresses || []).forEach((a) => address(a, 'ReplyToAddresses'));
  if (b.ConfigurationSetName !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(b.ConfigurationSetName)) throw bad('ConfigurationSetName');
  return { from, replyTo: b.ReplyToAddresses || [], set: b.ConfigurationSetName };
}
const part = (p, what) => { only(p, what, ['Data', 'Charset'], ['Data']); return text(p.Data, what); };

function readSingle(b) {
  only(b, 'request', ['FromEmailAddress', 'Destination', 'ReplyToAddresses', 'Content', 'EmailTags', 'ConfigurationSetName', 'FeedbackForwardingEmailAddress'],
    ['FromEmailAddress', 'Destination', 'Content']);
  only(b.Content, 'Content', ['Simple'], ['Simple']);
  const s = only(b.Content.Simple, 'Simple', ['Subject', 'Body', 'Headers'], ['Subject', 'Body']);
  only(s.Body, 'Body', ['Text', 'Html']);
  if (!s.Body.Text && !s.Body.Html) throw bad('an empty body');
  const subject = part(s.Subject, 'Subject');
  if (/[\x00-\x1f\x7f]/.test(subject)) throw bad('Subject holds a control character');
  return [{ ...common(b), to: destination(b.Destination), tags: tags(b.EmailTags), headers: headers(s.Headers, 'Headers'),
    subject, text: s.Body.Text && part(s.Body.Text, 'Text'), html: s.Body.Html && part(s.Body.Html, 'Html') }];
}

// Simple substitution only; what is not data is an event later, not an error of the call.
function render(template, data) {
  let failure = null;
  const out = template.replace(/(\\*)\{\{([^}]*)\}\}/g, (all, slashes, name) => {
    if (slashes) throw bad('a backslash before a variable');
    if (!/^\s*[A-Za-z0-9_.-]+\s*$/.test(name)) throw bad(`Template: {{${name}}} is not a simple variable`);
    const v = data[name.trim()];
    if (v === undefined) failure = `Attribute '${name.trim()}' is not present in the rendering data.`;
    return v === undefined ? '' : '\u0000' + String(v) + '\u0000';
  });
  // behind a variable or before it no brace may stand that could belong to it
  if (/\u0000\}/.test(out.replace(/\u0000[^\u0000]*\u0000/g, '\u0000'))) throw bad('Template: a brace behind a variable');
  if (/\{\u0000/.test(out.replace(/\u0000[^\u0000]*\u0000/g, '\u0000'))) throw bad('Template: a brace before a variable');
  if (/\{\{/.test(out.replace(/\u0000[^\u0000]*\u0000/g, ''))) throw bad('Template: an open {{');
  return { out: out.replaceAll('\u0000', ''), failure };
}

function readBulk(b) {
  only(b, 'request', ['FromEmailAddress', 'ReplyToAddresses', 'DefaultContent', 'BulkEmailEntries', 'DefaultEmailTags', 'ConfigurationSetName'],
    ['FromEmailAddress', 'DefaultContent', 'BulkEmailEntries']);
  only(b.DefaultContent, 'DefaultContent', ['Template'], ['Template']);
  const t = only(b.DefaultContent.Template, 'Template', ['TemplateContent', 'TemplateData', 'Headers'], ['TemplateContent', 'TemplateData']);
  const c = only(t.TemplateContent, 'TemplateContent', ['Subject', 'Text', 'Html'], ['Subject']);
  const entries = b.BulkEmailEntries;
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > 50) throw bad('1 to 50 BulkEmailEntries');
  JSON.parse(text(t.TemplateData, 'TemplateData'));
  const base = common(b);
  return entries.map((e) => {
    only(e, 'entry', ['Destination', 'ReplacementTags', 'ReplacementEmailContent', 'ReplacementHeaders'], ['Destination']);
    const r = e.ReplacementEmailContent?.ReplacementTemplate?.ReplacementTemplateData;
    if (r !== undefined && (typeof r !== 'string' || r.length > 262144)) throw bad('ReplacementTemplateData');
    let data;
    try { data = JSON.parse(r ?? '{}'); } catch { throw bad('ReplacementTemplateData is not JSON'); }
    const s = render(c.Subject, data), x = c.Text === undefined ? {} : render(c.Text, data), h = c.Html === undefined ? {} : render(c.Html, data);
    if (/[\x00-\x1f\x7f]/.test(s.out)) throw bad('Subject holds a control character');
    return { ...base, to: destination(e.Destination), tags: tags(e.ReplacementTags), headers: headers(e.ReplacementHeaders, 'ReplacementHeaders'),
      subject: s.out, text: x.out, html: h.out, failure: s.failure || x.failure || h.failure };
  });
}

// ---- rate ----
function take(n) {
  if (!rate) return true;
  const now = Date.now();
  tokens = Math.min(rate, tokens + (now - filled) * rate / 1000);
  filled = now;
  if (tokens < n) return false;
  tokens -= n;
  return true;
}

// ---- accepting ----
function accept(m, call) {
  const id = randomUUID();
  const line = { id, call, at: Date.now(), to: m.to, from: m.from, replyTo: m.replyTo, tags: m.tags, headers: m.headers, subject: m.subject, failure: m.failure || undefined };
  if (args.keep) Object.assign(line, { text: m.text, html: m.html });
  accepted.push(line);
  stats.accepted++;
  if (ledgerFile !== null) appendFileSync(ledgerFile, JSON.stringify(line) + '\n');
  return id;
}

const used = new WeakSet(), requests = new WeakMap();
function rule(socket) {
  calls++;
  const again = used.has(socket);
  used.add(socket);
  for (const r of script) {
    if (r.reused && !again) continue;
    if (r.first !== undefined ? calls <= r.first : r.at !== undefined ? calls === r.at
      : r.every !== undefined ? calls % r.every === 0 : r.chance !== undefined ? Math.random() < r.chance : true) {
      stats.faults++;
      if (r.name) stats[r.name] = (stats[r.name] || 0) + 1;
      return r.do;
    }
  }
  return null;
}

// Ends a connection after an answer, unless the next request is there already.
function endIdle(socket) {
  if (args.close === undefined) return;
  const n = requests.get(socket);
  setTimeout(() => { if (requests.get(socket) === n) socket.destroy(); }, Number(args.close));
}

function answer(res, status, body, type) {
  const data = JSON.stringify(body);
  const h = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(data) };
  if (type) h['x-amzn-errortype'] = type + ':http://internal.amazon.com/coral/com.amazonaws.services.simpleemailv2/';
  setTimeout(() => { res.writeHead(status, h); res.end(data, () => endIdle(res.req.socket)); }, Number(args.latency || 0));
}

function entryResult(m, i, fault, call) {
  if (fault?.entry && (i + 1) % (fault.each || 1) === 0) return { Status: fault.entry, Error: fault.message || 'injected' };
  if (!take(1)) { stats.throttled++; return { Status: 'ACCOUNT_THROTTLED', Error: 'Maximum sending rate exceeded.' }; }
  return { Status: 'SUCCESS', MessageId: accept(m, call) };
}

function send(req, res, messages, bulk) {
  stats.calls++;
  const fault = rule(req.socket), call = calls;
  if (fault === 'reset') return req.socket.destroy();
  if (fault?.status && !fault.accept) throw new Refusal(fault.status, fault.type || 'InternalServiceErrorException', fault.message || 'injected');
  if (!bulk && !take(1)) { stats.throttled++; throw new Refusal(429, 'TooManyRequestsException', 'Maximum sending rate exceeded.'); }
  const results = bulk ? messages.map((m, i) => entryResult(m, i, fault, call)) : [];
  const body = bulk ? { BulkEmailEntryResults: results } : { MessageId: accept(messages[0], call) };
  if (fault === 'drop') return req.socket.destroy();
  if (fault === 'hang') return undefined;
  if (fault === 'truncate') {
    const data = JSON.stringify(body);
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': data.length });
    return res.write(data.slice(0, data.length / 2), () => req.socket.destroy());
  }
  if (fault === 'miscount') results.pop();
  if (fault?.status) throw new Refusal(fault.status, fault.type || 'InternalServiceErrorException', fault.message || 'injected');
  return answer(res, 200, body);
}

// --identities=x.de,-y.de: a minus means not verified
const identities = (list) => list.split(',').map((n) => ({ IdentityType: n.includes('@') ? 'EMAIL_ADDRESS' : 'DOMAIN',
  IdentityName: n.replace(/^-/, ''), SendingEnabled: !n.startsWith('-'), VerificationStatus: n.startsWith('-') ? 'PENDING' : 'SUCCESS' }));

function route(req, res, body) {
  const [path, query = ''] = req.url.split('?');
  if (path === '/_stats') return answer(res, 200, stats);
  if (path === '/_ledger') return answer(res, 200, accepted);
  if (path === '/_clear') { clear(); return answer(res, 200, {}); }
  if (path === '/_keys') { keys = JSON.parse(body); return answer(res, 200, {}); }
  if (path === '/_script') { script = JSON.parse(body); calls = 0; return answer(res, 200, {}); }
  checkSignature(req, path, query, body);
  if (req.method === 'GET' && path === '/v2/email/account')
    return answer(res, 200, { SendQuota: { Max24HourSend: 5000000, MaxSendRate: rate || 100000, SentLast24Hours: stats.accepted },
      ProductionAccessEnabled: true, SendingEnabled: true, EnforcementStatus: 'HEALTHY' });
  if (req.method === 'GET' && path === '/v2/email/identities')
    return args.identities ? answer(res, 200, { EmailIdentities: identities(args.identities) })
      : answer(res, 403, { message: 'not allowed' }, 'AccessDeniedException');
  const bulk = path === '/v2/email/outbound-bulk-emails';
  if (req.method !== 'POST' || (!bulk && path !== '/v2/email/outbound-emails')) throw new Refusal(404, 'NotFoundException', path);
  if (!/^application\/(json|x-amz-json-1\.1)/.test(req.headers['content-type'] || '')) throw bad('content-type');
  let b;
  try { b = JSON.parse(body.toString('utf8')); } catch { throw new Refusal(400, 'SerializationException', 'not JSON'); }
  return send(req, res, bulk ? readBulk(b) : readSingle(b), bulk);
}

const server = createServer({ keepAliveTimeout: 30000 }, (req, res) => {
  const chunks = [];
  requests.set(req.socket, (requests.get(req.socket) || 0) + 1);
  req.on('data', (c) => chunks.push(c));
  req.on('error', () => {});
  req.on('end', () => {
    try {
      route(req, res, Buffer.concat(chunks));
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      stats.refused++;
      stats.last = `${e.type}: ${e.message}`;
      answer(res, e.status, { message: e.message }, e.type);
    }
  });
});
server.on('connection', () => { stats.connections++; });
server.listen(Number(args.port || 0), '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
