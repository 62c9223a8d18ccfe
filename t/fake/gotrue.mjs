// Supabase Auth for tests, strict where the real one is: the part that signs people in through a
// provider.  npm's @supabase/auth-js takes it for the real one (t/http/gotrue.t).
//
//   node t/fake/gotrue.mjs [--port N] [--alg HS256|ES256|RS256] [--allow URL,URL] [--site URL]
//        [--host NAME: how others call it] [--exp S: life of an access token]
//        [--flow S: life of a sign-in] [--reuse S]
//        [--issuer URL: what a project of one's own is called from outside, or none: its tokens have no iss]
//
// Prints "port N".  Public, below /auth/v1: authorize, token (pkce, refresh_token), logout, user,
// settings, .well-known/jwks.json.  The page of authorize offers the people there are, instead of
// a provider.  A redirect_to that is not allowed becomes SITE_URL, without a word.
//
// For the test (JSON):
//   GET  /_project         {url, issuer, alg, secret, anon_key, service_key}
//   PUT  /_people          [{name, email, confirmed, ...}]: who is there; ids are made up once
//   GET  /_people          with their ids
//   POST /_token           {email, claims, exp}: an access token of a session of their own
//   GET  /_forged?email=   [{name, token, good}]: t/fake/forge.mjs, for that person
//   POST /_rotate          a new key signs from now on; {"drop": true}: the old ones are gone, too
//   POST /_end             {email}: ends their sessions;  POST /_ban {email}
//   PUT  /_mode            {"status": 503} | {"close": true} | {"hang": true} | {} | {"answer": {...}} | {"traps": true}:
//                          instead of every answer below /auth/v1; in what token answers; in the JWKS
//   GET  /_stats           calls by name; sessions, reused
//   GET  /_last            {cookie, query}: what the last authorize got

import { createServer } from 'node:http';
import { createHash, createPublicKey, createVerify, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { claims, forge, jwks, newKey, newProject, signature, token } from './forge.mjs';

const args = Object.fromEntries(process.argv.slice(2).join(' ').split('--').filter(Boolean)
  .map((a) => a.trim().split(/[ =]/)).map(([k, v]) => [k, v ?? true]));
const life = { access: Number(args.exp || 3600), flow: Number(args.flow || 300), reuse: Number(args.reuse ?? 10) };
const providers = ['google', 'github', 'azure', 'apple', 'custom:acme'];
const now = () => Math.floor(Date.now() / 1000);

let base, project, keys, serviceKey, people = [], mode = {}, last = {};
const flows = new Map();		// state -> {challenge, method, redirect, at, person}; then by code
const codes = new Map();
const sessions = new Map();		// id -> {person}
const refreshTokens = new Map();	// token -> {session, used, next}
const stats = { authorize: 0, pkce: 0, refresh: 0, logout: 0, user: 0, jwks: 0, refused: 0, reused: 0, hung: 0 };

class Refusal extends Error {
  constructor(status, code, message) { super(message); this.status = status; this.code = code; }
}
const same = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
const escape = (s) => String(s).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

// ---- tokens ----

const signer = () => (project.alg === 'HS256' ? project.secret : keys.at(-1).privateKey);
const header = () => (project.alg === 'HS256' ? { alg: 'HS256', typ: 'JWT' } : { alg: project.alg, kid: keys.at(-1).kid, typ: 'JWT' });

function accessToken(person, session, change = {}, exp = life.access) {
  const c = claims(project, { id: person.id, email: person.email, meta: person.meta, session }, now());
  return token(header(), { ...c, exp: now() + exp, ...change }, project.alg, signer());
}

// The claims of a token of ours, or a refusal: written anew, as the server does it.
function readToken(text) {
  const [h, p, s, more] = (text || '').split('.');
  if (more !== undefined || !s) throw new Refusal(403, 'bad_jwt', 'invalid JWT');
  const head = JSON.parse(Buffer.from(h, 'base64url'));
  let good = false;
  if (head.alg === project.alg && project.alg === 'HS256')
    good = same(signature('HS256', project.secret, `${h}.${p}`).toString('base64url'), s);
  else if (head.alg === project.alg) {
    const key = keys.find((k) => k.kid === head.kid);
    good = key && createVerify('sha256').update(`${h}.${p}`).verify(
      { key: createPublicKey(key.privateKey), dsaEncoding: 'ieee-p1363' }, Buffer.from(s, 'base64url'));
  }
  const c = good ? JSON.parse(Buffer.from(p, 'base64url')) : null;
  if (!c || c.exp <= now()) throw new Refusal(403, 'bad_jwt', 'invalid JWT: token is expired or not ours');
  if (!sessions.has(c.session_id)) throw new Refusal(403, 'session_not_found', 'Session from session_id claim in JWT does not exist');
  return c;
}

function userOf(p) {
  return {
    id: p.id, aud: 'authenticated', role: 'authenticated', email: p.email ?? '',
    ...(p.confirmed === false ? {} : { email_confirmed_at: p.created, confirmed_at: p.created }),
    phone: '', last_sign_in_at: new Date().toISOString(),
    app_metadata: { provider: 'google', providers: ['google'] },
    user_metadata: { full_name: p.name, email: p.email, email_verified: true, ...p.meta },
    identities: [], created_at: p.created, updated_at: p.created, is_anonymous: false,
  };
}

function grant(person, session) {
  const refresh = randomBytes(9).toString('base64url');
  refreshTokens.set(refresh, { session });
  return {
    access_token: accessToken(person, session), token_type: 'bearer', expires_in: life.access,
    expires_at: now() + life.access, refresh_token: refresh, user: userOf(person),
  };
}

function newSession(person) {
  const id = randomUUID();
  sessions.set(id, { person });
  return id;
}

const endSession = (id) => {
  sessions.delete(id);
  for (const [t, r] of refreshTokens) if (r.session === id) refreshTokens.delete(t);
};

function pkce(body) {
  const { auth_code: code, code_verifier: verifier } = body;
  if (!code || !verifier)
    throw new Refusal(400, 'validation_failed', 'invalid request: both auth code and code verifier should be non-empty');
  const flow = codes.get(code);
  if (!flow) throw new Refusal(404, 'flow_state_not_found', 'invalid flow state, no valid flow state found');
  if (now() >= flow.at + life.flow) throw new Refusal(422, 'flow_state_expired', 'invalid flow state, flow state has expired');
  const got = flow.method === 's256' ? createHash('sha256').update(verifier).digest('base64url') : verifier;
  if (!same(got, flow.challenge))
    throw new Refusal(400, 'bad_code_verifier', 'code challenge does not match previously saved code verifier');
  codes.delete(code);
  if (flow.person.banned) throw new Refusal(403, 'user_banned', 'User is banned');
  return grant(flow.person, newSession(flow.person));
}

// Each token once; one that was used before ends the session, but for a retry at once.
function refresh(body) {
  if (!body.refresh_token) throw new Refusal(400, 'validation_failed', 'refresh_token required');
  const t = refreshTokens.get(body.refresh_token);
  if (!t) throw new Refusal(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');
  const { person } = sessions.get(t.session);
  if (person.banned) throw new Refusal(400, 'user_banned', 'Invalid Refresh Token: User Banned');
  if (t.used && now() > t.used + life.reuse) {
    stats.reused++;
    endSession(t.session);
    throw new Refusal(400, 'refresh_token_already_used', 'Invalid Refresh Token: Already Used');
  }
  if (t.used) stats.reused++;
  t.used ??= now();
  return grant(person, t.session);
}

// ---- authorize ----

const allowed = (to) => {
  const list = (args.allow || '').split(',').filter(Boolean);
  return to && list.some((a) => (a.endsWith('*') ? to.startsWith(a.slice(0, -1)) : a === to));
};

function authorize(q, cookie) {
  const provider = q.get('provider'), challenge = q.get('code_challenge') ?? '';
  const method = (q.get('code_challenge_method') ?? '').toLowerCase();
  last = { cookie, query: Object.fromEntries(q) };
  if (!providers.includes(provider))
    throw new Refusal(400, 'validation_failed', 'Unsupported provider: provider is not enabled');
  if (challenge && !/^[A-Za-z0-9._~-]{43,128}$/.test(challenge))
    throw new Refusal(400, 'validation_failed', 'code challenge has to be between 43 and 128 characters');
  if (challenge && method !== 's256' && method !== 'plain')
    throw new Refusal(400, 'validation_failed', 'code challenge method should be s256 or plain');
  const to = q.get('redirect_to');
  const state = randomUUID();
  flows.set(state, { challenge, method, redirect: allowed(to) ? to : args.site || 'http://127.0.0.1:3000', at: now(), provider });
  const offers = people.map((p) => `<li><a href="/_choose?state=${state}&amp;person=${p.id}">${escape(p.name)} (${escape(p.email)})</a></li>`);
  return `<!doctype html><html lang="en"><title>${provider}</title><h1>Sign in with ${provider}</h1><ul>${offers.join('')}
    <li><a href="/_choose?state=${state}&amp;person=nobody">Deny</a></li></ul></html>`;
}

function choose(q) {
  const flow = flows.get(q.get('state'));
  if (!flow) throw new Refusal(400, 'bad_oauth_state', 'OAuth state is unknown');
  flows.delete(q.get('state'));
  const to = new URL(flow.redirect);
  const person = people.find((p) => p.id === q.get('person'));
  if (!person) {
    const e = { error: 'access_denied', error_code: q.get('error') || 'access_denied', error_description: 'The user <b>denied</b> it' };
    for (const k in e) to.searchParams.set(k, e[k]);
    to.hash = new URLSearchParams({ ...e, sb: '' }).toString();
    return to.href;
  }
  if (!flow.challenge) {	// the implicit flow: in the fragment, for scripts
    const { user, ...g } = grant(person, newSession(person));
    to.hash = new URLSearchParams({ ...g, sb: '' }).toString();
    return to.href;
  }
  const code = randomUUID();
  codes.set(code, { ...flow, person });
  to.searchParams.set('code', code);
  return to.href;
}

// ---- HTTP ----

function needKey(req) {
  const key = req.headers.apikey;
  if (key !== project.anonKey && key !== serviceKey) {
    stats.refused++;
    throw new Refusal(401, '', 'Invalid API key');
  }
}

function readBody(req, body, known) {
  if (!/^application\/json\b/.test(req.headers['content-type'] || ''))
    throw new Refusal(400, 'bad_json', 'Content-Type must be application/json');
  let o;
  try { o = JSON.parse(body); } catch { throw new Refusal(400, 'bad_json', 'Could not parse request body as JSON'); }
  for (const k in o) if (!known.includes(k)) throw new Refusal(400, 'validation_failed', `what is ${k}?`);
  return o;
}

const bearer = (req) => (/^Bearer (.+)$/.exec(req.headers.authorization || '') || [])[1];

const json = (o, status = 200, headers = {}) => ({ status, type: 'application/json', body: JSON.stringify(o), headers });

function serve(req, url, body) {
  const route = `${req.method} ${url.pathname.replace('/auth/v1', '')}`;
  if (route === 'GET /authorize') {
    stats.authorize++;
    return { status: 200, type: 'text/html', body: authorize(url.searchParams, req.headers.cookie) };
  }
  if (route === 'GET /.well-known/jwks.json') {
    stats.jwks++;
    return json(jwks(project, keys, mode.traps), 200, { 'cache-control': 'public, max-age=600' });
  }
  needKey(req);
  if (route === 'POST /token') {
    const how = url.searchParams.get('grant_type');
    if (how !== 'pkce' && how !== 'refresh_token') throw new Refusal(400, 'validation_failed', 'unsupported_grant_type');
    stats[how === 'pkce' ? 'pkce' : 'refresh']++;
    const o = readBody(req, body, ['auth_code', 'code_verifier', 'refresh_token', 'gotrue_meta_security']);
    const g = how === 'pkce' ? pkce(o) : refresh(o);
    return json({ ...g, ...(mode.answer ?? {}) });
  }
  if (route === 'POST /logout') {
    stats.logout++;
    const c = readToken(bearer(req)), scope = url.searchParams.get('scope') ?? 'global';
    for (const [id, s] of sessions)
      if (scope === 'local' ? id === c.session_id : s.person.id === c.sub && (scope === 'global' || id !== c.session_id)) endSession(id);
    return { status: 204 };
  }
  if (route === 'GET /user') {
    stats.user++;
    return json(userOf(people.find((p) => p.id === readToken(bearer(req)).sub)));
  }
  if (route === 'GET /settings') {
    return json({ external: Object.fromEntries([...providers, 'email', 'gitlab'].map((p) => [p, p !== 'gitlab'])),
      disable_signup: false, mailer_autoconfirm: false, phone_autoconfirm: false });
  }
  throw new Refusal(404, '', 'no Route matched with those values');
}

function find(email) {
  const p = people.find((x) => x.email === email);
  if (!p) throw new Refusal(404, '', `nobody is called ${email}`);
  return p;
}

const control = {
  'GET /_project': () => ({ url: base, issuer: project.issuer ?? null, alg: project.alg,
    secret: project.secret, anon_key: project.anonKey, service_key: serviceKey }),
  'GET /_people': () => people,
  'PUT /_people': (o) => {
    const old = people;
    people = o.map((p) => ({ id: old.find((x) => x.email === p.email)?.id ?? randomUUID(), created: new Date().toISOString(), ...p }));
    return people;
  },
  'POST /_token': (o) => {
    const p = find(o.email);
    return { access_token: accessToken(p, newSession(p), o.claims, o.exp) };
  },
  'GET /_forged': (o, q) => forge({ ...project, key: keys.at(-1) }, find(q.get('email')).id),
  'POST /_rotate': (o) => {
    keys.push(newKey(project.alg));
    if (o.drop) keys = keys.slice(-1);
    return { kid: keys.at(-1).kid };
  },
  'POST /_end': (o) => { for (const [id, s] of sessions) if (s.person.email === o.email) endSession(id); return {}; },
  'POST /_ban': (o) => { find(o.email).banned = true; return {}; },
  'PUT /_mode': (o) => { mode = o; return {}; },
  'GET /_stats': () => ({ ...stats, sessions: sessions.size }),
  'GET /_last': () => last,
};

function refusal(e, req) {
  if (!(e instanceof Refusal)) return json({ code: 500, msg: String(e.stack) }, 500);
  if (!e.code) return json({ message: e.message, hint: 'Double check your API key.' }, e.status);
  if (req.headers['x-supabase-api-version'] === '2024-01-01')
    return json({ code: e.code, message: e.message }, e.status, { 'x-supabase-api-version': '2024-01-01' });
  return json({ code: e.status, error_code: e.code, msg: e.message }, e.status);
}

const server = createServer((req, res) => {
  let body = '';
  req.on('data', (d) => { body += d; });
  req.on('end', () => {
    const url = new URL(req.url, 'http://x'), name = `${req.method} ${url.pathname}`;
    let a;
    try {
      if (control[name]) a = json(control[name](body ? JSON.parse(body) : {}, url.searchParams));
      else if (name === 'GET /_choose') a = { status: 302, headers: { location: choose(url.searchParams) } };
      else if (mode.hang) { stats.hung++; return; }
      else if (mode.close) { req.socket.destroy(); return; }
      else if (mode.status) a = { status: mode.status, type: 'text/html', body: '<h1>Bad gateway</h1>' };
      else if (url.pathname.startsWith('/auth/v1/')) a = serve(req, url, body);
      else a = json({ message: 'no Route matched with those values' }, 404);
    } catch (e) { a = refusal(e, req); }
    res.writeHead(a.status, { ...(a.type ? { 'content-type': a.type } : {}), ...(a.headers ?? {}) });
    res.end(a.body ?? '');
  });
});

server.listen(Number(args.port || 0), '127.0.0.1', () => {
  const { port } = server.address();
  base = `http://${args.host || '127.0.0.1'}:${port}`;
  project = newProject(args.issuer === 'none' ? undefined : args.issuer || `${base}/auth/v1`, args.alg || 'ES256');
  keys = [project.key];
  serviceKey = token({ alg: 'HS256', typ: 'JWT' },
    { iss: 'supabase', ref: 'abcdefghijkl', role: 'service_role', iat: now(), exp: now() + 1e8 }, 'HS256', project.secret);
  console.log(`port ${port}`);
});
