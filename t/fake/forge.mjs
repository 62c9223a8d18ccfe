// Keys and tokens of a project at Supabase, good and forged: for t/fake/gotrue.mjs and for
// t/base/jwt.c, which reads what this prints (new keys each time).
//
// A forged token is signed by the right key wherever it can be, so that nothing but what its
// name says is wrong with it.  No dependencies, no code shared with the product.

import { createHmac, createPublicKey, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';

export const b64 = (x) => Buffer.from(x).toString('base64url');
const hash = { HS256: 'sha256', ES256: 'sha256', RS256: 'sha256', HS512: 'sha512', ES384: 'sha384', RS512: 'sha512' };

// {kid, privateKey, jwk} for ES256 or RS256.
export function newKey(alg, kid = randomBytes(8).toString('hex'), size = 2048) {
  const { privateKey, publicKey } = alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: size })
    : generateKeyPairSync('ec', { namedCurve: size === 384 ? 'P-384' : 'P-256' });
  return { kid, alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig', key_ops: ['verify'] } };
}

// Signature of the text, as alg does it; key: a secret or a private key.
export function signature(alg, key, text) {
  if (alg.startsWith('HS'))
    return createHmac(hash[alg], key).update(text).digest();
  const s = createSign(hash[alg]).update(text);
  return alg.startsWith('ES') ? s.sign({ key, dsaEncoding: 'ieee-p1363' }) : s.sign(key);
}

const text = (x) => (typeof x === 'string' || Buffer.isBuffer(x) ? x : JSON.stringify(x));
export function token(header, payload, alg, key) {
  const body = `${b64(text(header))}.${b64(text(payload))}`;
  return `${body}.${b64(signature(alg, key, body))}`;
}

// What Supabase puts into an access token.
export function claims(project, user, now = Math.floor(Date.now() / 1000)) {
  return {
    iss: project.issuer, sub: user.id, aud: 'authenticated', exp: now + 3600, iat: now,
    email: user.email ?? '', phone: '', app_metadata: { provider: 'google', providers: ['google'] },
    user_metadata: user.meta ?? {}, role: 'authenticated', aal: 'aal1',
    amr: [{ method: 'oauth', timestamp: now }], session_id: user.session ?? '0b5c1a52-6a3d-4c1e-9f5e-3c7f0d1e2a4b',
    is_anonymous: false,
  };
}

const uuid = '8f14e45f-ceea-467f-a0e6-0d9e3f3b1a77';
const next = (c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  .replace(/(.)(.*)/, '$1$2')[('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(c) + 1) % 64];
const otherLast = (s) => s.slice(0, -1) + next(s.at(-1));	// bits that do not count are set

// project: {issuer, alg, secret, key, traps: {weak, curve, encrypting, other}, anonKey}.
// [{name, token, good}]; sub: the user of the good ones.
export function forge(project, sub = uuid, now = Math.floor(Date.now() / 1000)) {
  const { alg } = project;
  const key = alg === 'HS256' ? project.secret : project.key.privateKey;
  const head = alg === 'HS256' ? { alg, typ: 'JWT' } : { alg, kid: project.key.kid, typ: 'JWT' };
  const base = claims(project, { id: sub, email: 'ines@nordlicht.example' }, now);
  const all = [];
  const add = (name, t, good = false) => all.push({ name, token: t, good });
  const signed = (h, p, a = alg, k = key) => token(h, p, a, k);
  const header = (name, change) => {
    const h = { ...head, ...change };
    for (const n in h) if (h[n] === undefined) delete h[n];
    add(name, signed(h, base));
  };
  const claim = (name, change, good) => {
    const p = { ...base, ...change };
    for (const n in p) if (p[n] === undefined) delete p[n];
    add(name, signed(head, p), good);
  };
  const good = signed(head, base);
  const [h, p, s] = good.split('.');

  // ---- what must pass, so that the rest says something ----
  add('a token as Supabase makes it', good, true);
  claim('aud as an array', { aud: ['other', 'authenticated'] }, true);
  claim('without is_anonymous and session_id', { is_anonymous: undefined, session_id: undefined }, true);
  claim('ended 50 seconds ago', { exp: now - 50 }, true);
  claim('iat and nbf 50 seconds ahead', { iat: now + 50, nbf: now + 50 }, true);
  add('without typ', signed({ ...head, typ: undefined }, base), true);
  claim('metadata that claims to be an admin is only metadata', { user_metadata: { role: 'service_role', admin: true } }, true);

  // ---- algorithm ----
  for (const a of ['none', 'None', 'NONE', 'nOnE'])
    add(`alg ${a} without signature`, `${b64(JSON.stringify({ ...head, alg: a }))}.${p}.`);
  add('alg none with a signature', `${b64(JSON.stringify({ ...head, alg: 'none' }))}.${p}.${s}`);
  header('alg in lower case', { alg: alg.toLowerCase() });
  header('alg in mixed case', { alg: alg[0] + alg.slice(1).toLowerCase() });
  header('no alg', { alg: undefined });
  header('alg null', { alg: null });
  header('alg a number', { alg: 256 });
  header('alg an array', { alg: [alg] });
  header('alg with a blank', { alg: `${alg} ` });
  header('alg empty', { alg: '' });
  header('alg with a NUL', { alg: `${alg}\0` });
  add('alg of another family, right key', signed({ ...head, alg: alg === 'RS256' ? 'ES256' : 'RS256' }, base));
  const strong = { HS256: 'HS512', ES256: 'ES384', RS256: 'RS512' }[alg];
  add(`${strong} by the right key`, signed({ ...head, alg: strong }, base, strong));
  header('alg PS256', { alg: 'PS256' });
  const hs = { ...head, alg: 'HS256' };
  add('HS256 with an empty secret', signed(hs, base, 'HS256', ''));
  add('HS256 with the public key of the project', signed(hs, base, 'HS256', project.anonKey));
  if (alg === 'HS256') {
    add('HS256 with the secret decoded from base64', signed(hs, base, 'HS256', Buffer.from(project.secret, 'base64')));
    add('HS256 with another secret', signed(hs, base, 'HS256', `${project.secret}x`));
    for (const a of ['ES256', 'RS256']) {
      const own = newKey(a, 'own');
      add(`${a} by a key of one's own`, signed({ alg: a, kid: 'own', typ: 'JWT' }, base, a, own.privateKey));
      add(`${a} by a key of one's own, brought along`, signed({ alg: a, jwk: own.jwk, typ: 'JWT' }, base, a, own.privateKey));
    }
  } else {
    const publicKey = createPublicKey(project.key.privateKey);
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    add('HS256 keyed with the PEM of the public key', signed(hs, base, 'HS256', pem));
    add('HS256 keyed with that PEM, trimmed', signed(hs, base, 'HS256', pem.trim()));
    add('HS256 keyed with its DER', signed(hs, base, 'HS256', publicKey.export({ type: 'spki', format: 'der' })));
    add('HS256 keyed with its JWK', signed(hs, base, 'HS256', JSON.stringify(project.key.jwk)));
    add('HS256 keyed with the secret of old', signed(hs, base, 'HS256', project.secret));
    add('HS256 MAC under the right alg', signed(head, base, 'HS256', pem));
  }

  // ---- key ----
  const stranger = alg === 'HS256' ? null : newKey(alg, project.key.kid);
  const theirs = stranger ? stranger.privateKey : 'not the secret of this project, but long enough';
  add('signed by a stranger under our kid', signed(head, base, alg, theirs));
  if (stranger) {
    header('no kid', { kid: undefined });
    header('kid unknown', { kid: 'nobody' });
    header('kid in other case', { kid: project.key.kid.toUpperCase() + 'x' });
    header('kid a path', { kid: '../../../../../../dev/null' });
    header('kid with SQL', { kid: "x' UNION SELECT 'key" });
    const weak = project.traps.weak;
    if (weak)
      add('signed by a weak key of the JWKS', signed({ ...head, kid: weak.kid }, base, alg, weak.privateKey));
    const enc = project.traps.encrypting;
    add('signed by a key that is for encrypting', signed({ ...head, kid: enc.kid }, base, alg, enc.privateKey));
    const not = project.traps.other;
    add('signed by a key meant for another algorithm', signed({ ...head, kid: not.kid }, base, alg, not.privateKey));
    add('signed by the symmetric key of the JWKS', signed({ ...head, kid: 'oct' }, base, 'HS256', 'symmetric'));
    const gone = newKey(alg, 'gone');
    add('signed by a key that was rotated away', signed({ ...head, kid: 'gone' }, base, alg, gone.privateKey));
  }
  header('kid empty', { kid: '' });
  header('kid of 65 characters', { kid: 'k'.repeat(65) });
  header('kid a number', { kid: 7 });
  header('kid null', { kid: null });
  header('kid an array', { kid: ['a'] });

  // ---- names in the header that change what is trusted ----
  header('jku', { jku: 'https://evil.example/jwks.json' });
  header('x5u', { x5u: 'https://evil.example/cert.pem' });
  header('x5c', { x5c: ['MIIB'] });
  header('x5t', { x5t: 'abc' });
  const mine = newKey('ES256', 'mine');
  header('jwk', { jwk: mine.jwk });
  if (alg === 'ES256')
    add('jwk brought along, signed by it', signed({ ...head, jwk: mine.jwk }, base, alg, mine.privateKey));
  header('crit', { crit: ['exp'] });
  header('crit empty', { crit: [] });
  header('crit and b64', { crit: ['b64'], b64: false });
  header('b64 false', { b64: false });
  header('zip', { zip: 'DEF' });
  header('cty', { cty: 'JWT' });
  header('enc', { enc: 'A128GCM' });
  header('a name nobody knows', { hello: 1 });
  header('typ of another token', { typ: 'at+jwt' });
  header('typ in lower case', { typ: 'jwt' });
  header('typ a number', { typ: 1 });
  header('typ null', { typ: null });

  // ---- times ----
  claim('expired', { exp: now - 3600 });
  claim('expired 61 seconds ago', { exp: now - 61 });
  claim('no exp', { exp: undefined });
  claim('exp null', { exp: null });
  claim('exp text', { exp: String(now + 3600) });
  claim('exp 0', { exp: 0 });
  claim('exp negative', { exp: -1 });
  claim('exp true', { exp: true });
  claim('exp in milliseconds', { exp: (now + 3600) * 1000 });
  const raw = (name, from, to) => add(name, signed(head, JSON.stringify(base).replace(from, to)));
  raw('exp with a fraction', /"exp":\d+/, `"exp":${now + 3600}.5`);
  raw('exp as 1e12', /"exp":\d+/, '"exp":1e12');
  raw('exp past every number', /"exp":\d+/, '"exp":99999999999999999999999999');
  raw('exp NaN', /"exp":\d+/, '"exp":NaN');
  raw('exp Infinity', /"exp":\d+/, '"exp":Infinity');
  claim('nbf an hour ahead', { nbf: now + 3600 });
  claim('nbf text', { nbf: 'now' });
  claim('nbf null', { nbf: null });
  claim('iat an hour ahead', { iat: now + 3600 });
  claim('iat text', { iat: 'now' });

  // ---- whose, for whom ----
  claim('another issuer', { iss: 'https://other.supabase.co/auth/v1' });
  claim('no issuer', { iss: undefined });
  claim('issuer with a slash at the end', { iss: `${project.issuer}/` });
  claim('issuer and more', { iss: `${project.issuer}.evil.example` });
  claim('issuer in capitals', { iss: project.issuer.toUpperCase() });
  claim('issuer without path', { iss: project.issuer.replace('/auth/v1', '') });
  claim('issuer an array', { iss: [project.issuer] });
  claim('issuer supabase', { iss: 'supabase' });
  claim('another audience', { aud: 'other' });
  claim('no audience', { aud: undefined });
  claim('audience null', { aud: null });
  claim('audience array without us', { aud: ['a', 'b'] });
  claim('audience array of nothing', { aud: [] });
  claim('audience array with a number', { aud: ['authenticated', 1] });
  claim('audience array in an array', { aud: [['authenticated']] });
  claim('audience an object', { aud: { authenticated: true } });
  claim('audience with a blank', { aud: 'authenticated ' });
  claim('audience in capitals', { aud: 'AUTHENTICATED' });
  claim('role anon', { role: 'anon' });
  claim('role service_role', { role: 'service_role' });
  claim('role supabase_admin', { role: 'supabase_admin' });
  claim('no role', { role: undefined });
  claim('role an array', { role: ['authenticated'] });
  claim('role in capitals', { role: 'Authenticated' });
  claim('role empty', { role: '' });
  const apiKey = { iss: 'supabase', ref: 'abcdefghijkl', role: 'anon', iat: now - 1000, exp: now + 1e8 };
  add('the anon key', signed(head, apiKey));
  add('the service key', signed(head, { ...apiKey, role: 'service_role' }));
  add('an anon key with our issuer and audience', signed(head, { ...apiKey, iss: project.issuer, aud: 'authenticated' }));
  add('a service key with everything but a user', signed(head,
    { ...apiKey, iss: project.issuer, aud: 'authenticated', role: 'authenticated' }));

  // ---- who ----
  claim('no sub', { sub: undefined });
  claim('sub null', { sub: null });
  claim('sub empty', { sub: '' });
  claim('sub a number', { sub: 1 });
  claim('sub an address', { sub: 'ines@nordlicht.example' });
  claim('sub in capitals', { sub: sub.toUpperCase() });
  claim('sub of zeros', { sub: '00000000-0000-0000-0000-000000000000' });
  claim('sub without dashes', { sub: sub.replaceAll('-', '') });
  claim('sub in braces', { sub: `{${sub}}` });
  claim('sub as urn', { sub: `urn:uuid:${sub}` });
  claim('sub with a blank', { sub: `${sub} ` });
  claim('sub with a NUL and more', { sub: `${sub}\0x` });
  claim('sub with SQL', { sub: "' OR 1=1 --" });
  claim('sub an array', { sub: [sub] });
  claim('is_anonymous', { is_anonymous: true });
  claim('is_anonymous text', { is_anonymous: 'false' });
  claim('is_anonymous null', { is_anonymous: null });
  claim('is_anonymous 0', { is_anonymous: 0 });
  claim('session_id no UUID', { session_id: '1' });
  claim('session_id an object', { session_id: {} });

  // ---- signature ----
  add('signature empty', `${h}.${p}.`);
  add('signature cut short', `${h}.${p}.${s.slice(0, -8)}`);
  add('signature longer', `${h}.${p}.${s}AAAA`);
  add('signature padded', `${good}=`);
  add('signature padded twice', `${good}==`);
  add('signature of zeros', `${h}.${p}.${b64(Buffer.alloc(Buffer.from(s, 'base64url').length))}`);
  add('signature with a bit changed', `${h}.${p}.${(s[0] === 'A' ? 'B' : 'A') + s.slice(1)}`);
  if (Buffer.from(s, 'base64url').length % 3)
    add('signature with another last character of the same meaning', `${h}.${p}.${otherLast(s)}`);
  add('signature in the other alphabet', `${h}.${p}.+/${s.slice(2)}`);
  add('signature of another token', `${h}.${p}.${signed(head, { ...base, sub: uuid, iat: now - 1 }).split('.')[2]}`);
  add('payload of another token', `${h}.${b64(JSON.stringify({ ...base, role: 'authenticated', sub: uuid, iat: now - 2 }))}.${s}`);
  add('header of another token', `${b64(JSON.stringify({ typ: 'JWT', ...head }))}.${p}.${s}`);
  if (alg === 'ES256') {
    const der = createSign('sha256').update(`${h}.${p}`).sign(key);
    add('signature as DER', `${h}.${p}.${b64(der)}`);
    const n = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
    add('r and s the order of the curve', `${h}.${p}.${b64(Buffer.concat([n, n]))}`);
    add('r and s all ones', `${h}.${p}.${b64(Buffer.alloc(64, 255))}`);
    add('s of zero', `${h}.${p}.${b64(Buffer.concat([Buffer.from(s, 'base64url').subarray(0, 32), Buffer.alloc(32)]))}`);
    add('r and s with a zero each in front', `${h}.${p}.${b64(Buffer.concat([Buffer.alloc(1), Buffer.from(s, 'base64url')
      .subarray(0, 32), Buffer.alloc(1), Buffer.from(s, 'base64url').subarray(32)]))}`);
  }

  // ---- form ----
  const whole = (hh, pp) => { const body = `${hh}.${pp}`; return `${body}.${b64(signature(alg, key, body))}`; };
  add('payload padded', whole(h, `${p}=`));
  add('header padded', whole(`${h}=`, p));
  const pad = (o) => { for (let i = 0; ; i++) { const t = b64(JSON.stringify({ ...o, pad: 'x'.repeat(i) })); if (t.length % 4) return t; } };
  add('payload with another last character of the same meaning', whole(h, otherLast(pad(base))));
  add('payload in the other alphabet', whole(h, b64(JSON.stringify({ ...base, t: '???>>>~~~' })).replaceAll('-', '+').replaceAll('_', '/') + '+'));
  add('a blank inside', whole(h, `${p.slice(0, 8)} ${p.slice(8)}`));
  add('a line end inside', whole(h, `${p.slice(0, 8)}\n${p.slice(8)}`));
  add('nothing', '');
  add('one segment', h);
  add('two segments', `${h}.${p}`);
  add('four segments', `${good}.x`);
  add('four segments, the last empty', `${good}.`);
  add('five segments, as if encrypted', `${good}.${p}.${s}`);
  add('a dot in front', `.${good}`);
  add('no header', `.${p}.${s}`);
  add('no payload', whole(h, ''));
  add('the JSON form', JSON.stringify({ protected: h, payload: p, signature: s }));
  add('a refresh token', b64(randomBytes(12)));
  add('larger than 8 KB', signed(head, { ...base, pad: 'x'.repeat(8192) }));
  add('header of another alg first, ours second', signed(JSON.stringify(head).replace('{', '{"alg":"none",'), base));
  add('header of our alg first, none second', signed(JSON.stringify(head).replace(/}$/, ',"alg":"none"}'), base));
  add('alg twice, once escaped', signed(JSON.stringify(head).replace('{', '{"al\\u0067":"none",'), base));
  const twice = (name, more) => add(name, signed(head, JSON.stringify(base).replace(/}$/, `,${more}}`)));
  twice('sub twice', `"sub":"${uuid}"`);
  twice('sub twice, once escaped', `"s\\u0075b":"${uuid}"`);
  twice('exp twice', `"exp":${now + 3600}`);
  twice('role twice', '"role":"authenticated"');
  twice('a name of the metadata twice', '"x":{"a":1,"a":2}');
  add('payload an array', signed(head, [base]));
  add('payload text', signed(head, JSON.stringify('hello')));
  add('payload null', signed(head, 'null'));
  add('payload a number', signed(head, '7'));
  add('payload empty JSON', signed(head, '{}'));
  add('payload cut short', signed(head, JSON.stringify(base).slice(0, -1)));
  add('payload with a comma too many', signed(head, JSON.stringify(base).replace(/}$/, ',}')));
  add('payload with more behind it', signed(head, `${JSON.stringify(base)}{}`));
  add('payload with a comment', signed(head, JSON.stringify(base).replace('{', '{/**/')));
  add('payload in single quotes', signed(head, JSON.stringify(base).replaceAll('"', "'")));
  add('payload with a mark in front', signed(head, `\ufeff${JSON.stringify(base)}`));
  add('payload that is not UTF-8', signed(head, Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xff, 0xfe]),
    Buffer.from(`",${JSON.stringify(base).slice(1)}`)])));
  add('payload with a raw NUL', signed(head, `${JSON.stringify(base)}\0`));
  add('payload 40 deep', signed(head, JSON.stringify(base).replace('{', `{"x":${'['.repeat(40)}${']'.repeat(40)},`)));
  add('header an array', signed('[]', base));
  add('header text', signed(JSON.stringify('ES256'), base));
  add('header null', signed('null', base));
  add('header not JSON', signed('alg=ES256', base));
  return all;
}

// A project with the keys that `forge` needs.
export function newProject(issuer, alg) {
  const secret = 'a JWT secret as Supabase makes it, long enough for everybody';
  const project = { issuer, alg, secret };
  if (alg !== 'HS256') {
    project.key = newKey(alg, 'first');
    project.traps = {
      weak: newKey(alg, 'weak', alg === 'RS256' ? 1024 : 384),
      encrypting: newKey(alg, 'encrypting'),
      other: newKey(alg, 'other'),
    };
    if (alg === 'ES256')
      project.traps.weak = null;	// node does not sign SHA-256 of 64 bytes with it
    project.traps.encrypting.jwk.use = 'enc';
    project.traps.other.jwk.alg = alg === 'ES256' ? 'ES384' : 'PS256';
  }
  const now = Math.floor(Date.now() / 1000);
  project.anonKey = token({ alg: 'HS256', typ: 'JWT' },
    { iss: 'supabase', ref: 'abcdefghijkl', role: 'anon', iat: now, exp: now + 1e8 }, 'HS256', secret);
  return project;
}

// What /.well-known/jwks.json says: the keys; with traps, others beside them that must not be believed.
export function jwks(project, keys, trapped) {
  if (project.alg === 'HS256')
    return { keys: [] };
  if (!trapped)
    return { keys: keys.map((k) => k.jwk) };
  const traps = Object.values(project.traps).filter(Boolean).map((k) => k.jwk);
  return { keys: [{ kty: 'oct', kid: 'oct', alg: 'HS256', k: b64('symmetric') }, ...traps, { kty: 'EC' }, 7, null,
    { ...newKey(project.alg, keys[0].kid).jwk, use: 'enc' }, ...keys.map((k) => k.jwk),
    { ...newKey(project.alg, keys[0].kid).jwk }] };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const now = Math.floor(Date.now() / 1000);
  const projects = ['HS256', 'ES256', 'RS256'].map((alg) => newProject('https://abcdefghijkl.supabase.co/auth/v1', alg));
  console.log(JSON.stringify(projects.map((p) => ({ issuer: p.issuer, alg: p.alg, secret: p.secret, now,
    jwks: JSON.stringify(jwks(p, [p.key], true)), tokens: forge(p, uuid, now) })), null, '\t'));
}
