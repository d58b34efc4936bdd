import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFakeSmtp } from '../../identity/mail/fake-smtp.test-support.ts'
import { openMailer } from '../../identity/mail/open-mailer.ts'
import { alertMail } from './alert-mail.ts'

const MAIL = {
  id: crypto.randomUUID(),
  owner: 'platform' as const,
  to: ['ann@x.example', 'bob@x.example'],
  subject: '[warning] quota-spent: calls\r\nBcc: eve@x.example',
  text: 'Firing:\n- [warning] calls\n',
}

test('each who is told gets a mail of their own, of text alone, whatever a summary holds', async (t) => {
  const server = await startFakeSmtp()
  t.after(() => server.stop())
  const mailer = openMailer({
    ...{ by: 'smtp', host: '127.0.0.1', port: server.port, security: 'none' },
    from: 'alerts@x.example',
  })
  t.after(() => mailer.close())
  await alertMail(mailer).send({ ...MAIL, text: MAIL.text + 'x'.repeat(200_000) })
  assert.deepEqual(
    server.lines.filter((line) => line.startsWith('RCPT')),
    ['RCPT TO:<ann@x.example>', 'RCPT TO:<bob@x.example>'],
  )
  assert.equal(server.mails.length, 2)
  for (const [place, mail] of server.mails.entries()) {
    const [head = ''] = mail.split('\n\n')
    assert.doesNotMatch(head, /^Bcc|text\/html|multipart/im)
    assert.match(head, new RegExp(`^Message-ID: <${MAIL.id}-${place}@x\\.example>$`, 'im'))
    assert.ok(!head.includes(place === 0 ? 'bob@' : 'ann@'))
    assert.match(mail, /more than a mail holds/)
  }
})

test('a recipient that is refused for good keeps no other from being told, and is not tried again', async (t) => {
  const refusals = ['550 nobody', undefined, '550 nobody', '550 nobody', '450 later', undefined]
  const server = await startFakeSmtp({ refuse: () => refusals.shift() })
  t.after(() => server.stop())
  const mailer = openMailer({
    ...{ by: 'smtp', host: '127.0.0.1', port: server.port, security: 'none' },
    from: 'alerts@x.example',
  })
  t.after(() => mailer.close())
  const mail = alertMail(mailer)
  await mail.send(MAIL)
  assert.equal(server.mails.length, 1)
  await assert.rejects(mail.send(MAIL), { code: 'invalid_argument' })
  await assert.rejects(mail.send(MAIL), { code: 'engine_unavailable' })
  assert.equal(server.mails.length, 2)
  await server.stop()
  await assert.rejects(mail.send(MAIL), { code: 'engine_unavailable' })
})
