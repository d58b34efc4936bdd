import 'reflect-metadata'
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { cryptoProvider, X509CertificateGenerator } from '@peculiar/x509'
import { ConsoleMailer } from './console-mailer.ts'
import { startFakeSmtp } from './fake-smtp.test-support.ts'
import { FileMailer } from './file-mailer.ts'
import type { Mail } from './mail.ts'
import { mailSchema, openMailer } from './open-mailer.ts'
import { SmtpMailer, type SmtpOptions } from './smtp-mailer.ts'

const MAIL: Mail = {
  id: 'mail-1',
  to: 'ana@x.example',
  fromName: 'Clínica "Acme", <b@x.example>',
  subject: 'Hello – there',
  text: 'https://id.test/link/secret',
  html: '<p>Hello</p>',
}

async function certificateFor(host: string) {
  cryptoProvider.set(globalThis.crypto)
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${host}`,
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [],
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`
  return { key, cert: certificate.toString('pem') }
}

function mailer(context: TestContext, port: number, changes: Partial<SmtpOptions> = {}) {
  const made = new SmtpMailer({
    host: '127.0.0.1',
    port,
    security: 'starttls',
    from: 'no-reply@id.example',
    ...changes,
  })
  context.after(() => made.close())
  return made
}

test('without TLS nothing is sent, not even who it is for, unless it was told so', async (context) => {
  const server = await startFakeSmtp()
  context.after(() => server.stop())
  const options = { user: 'u', password: 'secret-of-smtp' }
  await assert.rejects(mailer(context, server.port, options).send(MAIL))
  assert.deepEqual(server.mails, [])
  assert.doesNotMatch(server.lines.join('\n'), /AUTH|MAIL|RCPT/)
  await mailer(context, server.port, { security: 'none' }).send(MAIL)
  assert.equal(server.mails.length, 1)
})

test('a certificate that is not trusted, or is for another name, gets no mail', async (context) => {
  const tls = await certificateFor('mail.example')
  const server = await startFakeSmtp({ tls })
  context.after(() => server.stop())
  await assert.rejects(mailer(context, server.port).send(MAIL))
  await assert.rejects(mailer(context, server.port, { ca: tls.cert }).send(MAIL))
  assert.deepEqual(server.mails, [])
})

test('over STARTTLS one mail reaches one recipient, with its words as they are', async (context) => {
  const tls = await certificateFor('localhost')
  const server = await startFakeSmtp({ tls })
  context.after(() => server.stop())
  const settings = { host: 'localhost', ca: tls.cert, user: 'u', password: 'p' }
  await mailer(context, server.port, settings).send(MAIL)
  assert.deepEqual(
    server.lines.filter((line) => /MAIL|RCPT|AUTH/.test(line)).map((line) => line.slice(0, 24)),
    ['tls:AUTH PLAIN AHUAcA==', 'tls:MAIL FROM:<no-reply@', 'tls:RCPT TO:<ana@x.examp'],
  )
  const [mail] = server.mails
  assert.match(mail ?? '', /^Message-ID: <mail-1@id\.example>$/im)
  assert.match(mail ?? '', /^Auto-Submitted: auto-generated$/im)
  assert.match(mail ?? '', /^To: <?ana@x\.example>?$/im)
})

test('the file mailer leaves whole mails that only their owner reads', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'rf-mail-'))
  context.after(() => rmSync(directory, { recursive: true }))
  const made = new FileMailer(join(directory, 'mail'), 'no-reply@id.example')
  await made.send(MAIL)
  await made.send(MAIL)
  assert.deepEqual(
    readdirSync(join(directory, 'mail')),
    ['mail-1.eml'],
    'the same mail is one file',
  )
  const path = join(directory, 'mail', 'mail-1.eml')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.match(readFileSync(path, 'utf8'), /https:\/\/id\.test\/link\/secret/)
  writeFileSync(join(directory, 'file'), '')
  await assert.rejects(new FileMailer(join(directory, 'file'), 'a@x.example').send(MAIL), {
    code: 'not_writable',
  })
})

test('the console mailer prints what a developer needs', async () => {
  const written: string[] = []
  await new ConsoleMailer((text) => written.push(text)).send(MAIL)
  assert.match(written.join(''), /ana@x\.example[^]*https:\/\/id\.test\/link\/secret/)
})

test('settings that would send a password in the clear are refused', () => {
  const smtp = { by: 'smtp', host: 'h', from: 'a@x.example' }
  assert.equal(mailSchema.safeParse(smtp).success, true)
  for (const change of [
    { security: 'none', user: 'u', passwordFile: '/p' },
    { user: 'u' },
    { from: 'a@x.example\nBcc: b' },
    { more: 1 },
  ]) {
    assert.equal(mailSchema.safeParse({ ...smtp, ...change }).success, false)
  }
  const missing = mailSchema.parse({ ...smtp, user: 'u', passwordFile: '/nowhere/p' })
  assert.throws(() => openMailer(missing), { code: 'invalid_argument' })
})
