// Amazon SNS for tests: makes signed messages, serves the signer's certificate, confirms
// subscriptions.  No dependencies, no code shared with the product.
//
//   node t/fake/sns.mjs --dir DIR [--port N]
//
// DIR is filled by t/lib/sns-keys: NAME.key and NAME.pem of several signers.  Prints "port N".
//   GET  /SimpleNotificationService-NAME....pem   the certificate of the signer NAME (32 characters,
//                                        filled up with x)
//   GET  /?Action=ConfirmSubscription&TopicArn=&Token=      as Amazon answers it
//   POST /_sign    {signer, message: {...}}: what SNS would post; parts that are missing are
//                  made up; "break": changes applied after signing
//   GET  /_stats   {certificates, confirmed: [[topic, token]], other}
//   PUT  /_fail    {"certificate": 503}    what to answer instead

import { createServer } from 'node:http';
import { createSign, randomUUID } from 'node:crypto';
import { readFileSync, existsSync } from 'node:fs';

const args = process.argv.slice(2);
const option = (name) => args[args.indexOf(`--${name}`) + 1];
const dir = option('dir');
let stats = { certificates: 0, confirmed: [], other: 0 }, fail = {};

// "Verifying the signatures of Amazon SNS messages": names in this order, each with its value.
const signed = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
};
signed.UnsubscribeConfirmation = signed.SubscriptionConfirmation;

function sign({ signer = 'good', message = {}, break: changes = {} }) {
  const region = (message.TopicArn || '').split(':')[3];
  const host = `https://sns.${region}.amazonaws.com`;
  const m = {
    Type: 'Notification', MessageId: randomUUID(), Timestamp: new Date().toISOString(), Message: '',
    SignatureVersion: '2',
    SigningCertURL: `${host}/SimpleNotificationService-${signer.padEnd(32, 'x')}.pem`,
    ...message,
  };
  if (m.Type === 'Notification') {
    m.UnsubscribeURL ??= `${host}/?Action=Unsubscribe&SubscriptionArn=${m.TopicArn}:1`;
  } else {
    m.Token ??= randomUUID().replaceAll('-', '');
    m.SubscribeURL ??= `${host}/?Action=ConfirmSubscription&TopicArn=${m.TopicArn}&Token=${m.Token}`;
  }
  const text = signed[m.Type].filter((k) => m[k] !== undefined && m[k] !== null)
    .map((k) => `${k}\n${m[k]}\n`).join('');
  const key = readFileSync(`${dir}/${signer}.key`);
  m.Signature = createSign(m.SignatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256').update(text).sign(key, 'base64');
  Object.assign(m, changes);
  for (const k in m) if (m[k] === '_absent') delete m[k];
  return m;
}

const server = createServer((req, res) => {
  let body = '';
  req.on('data', (d) => { body += d; });
  req.on('end', () => {
    const url = new URL(req.url, 'http://x');
    const answer = (status, text, type = 'text/plain') => { res.writeHead(status, { 'content-type': type }); res.end(text); };
    const json = (o) => answer(200, JSON.stringify(o), 'application/json');
    if (req.method === 'POST' && url.pathname === '/_sign') return json(JSON.parse(body).map(sign));
    if (url.pathname === '/_stats') return json(stats);
    if (url.pathname === '/_fail') { fail = JSON.parse(body); return json({}); }
    const cert = /^\/SimpleNotificationService-([a-z]+?)x*\.pem$/.exec(url.pathname);
    if (req.method === 'GET' && cert) {
      stats.certificates++;
      if (fail.certificate) return answer(fail.certificate, 'no');
      const file = `${dir}/${cert[1]}.pem`;
      if (!existsSync(file)) return answer(404, '<Error/>');
      return answer(200, readFileSync(file), 'application/x-pem-file');
    }
    if (req.method === 'GET' && url.pathname === '/' && url.searchParams.get('Action') === 'ConfirmSubscription') {
      if (fail.confirm) return answer(fail.confirm, 'no');
      stats.confirmed.push([url.searchParams.get('TopicArn'), url.searchParams.get('Token')]);
      return answer(200, '<ConfirmSubscriptionResponse/>', 'text/xml');
    }
    stats.other++;
    return answer(404, 'nothing');
  });
});
server.listen(Number(args.includes('--port') ? option('port') : 0), '127.0.0.1',
  () => console.log(`port ${server.address().port}`));
