import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { composed } from './compose.ts'
import { checkMail, type Mail } from './mail.ts'
import { mailOf } from './mail-texts.ts'

const MAIL: Mail = {
  id: 'm1',
  to: 'ana@x.example',
  fromName: 'Acme',
  subject: 'Hello',
  text: 'text',
  html: '<p>text</p>',
}
const refusal = { name: 'RingfenceError', code: 'invalid_argument' }

test('a mail that would add a header or a recipient is refused', () => {
  const lines = ['a\r\nBcc: eve@x.example', 'a\nb', 'a\rb', 'a\u2028b', 'a\0b']
  for (const line of lines) {
    assert.throws(() => checkMail({ ...MAIL, subject: line }), refusal)
    assert.throws(() => checkMail({ ...MAIL, fromName: line }), refusal)
    assert.throws(() => checkMail({ ...MAIL, to: `ana@x.example${line.slice(1)}` }), refusal)
    assert.throws(() => checkMail({ ...MAIL, id: line }), refusal)
    assert.throws(() => composed(MAIL, `no-reply@x.example${line.slice(1)}`), refusal)
  }
  for (const to of ['a@x.example, b@x.example', 'Ana <a@x.example>', 'a@x.example b@x.example']) {
    assert.throws(() => checkMail({ ...MAIL, to }), refusal)
  }
})

test('a name is no word in another encoding, which would hold lines of its own', () => {
  const word = '=?utf-8?Q?Ada=0D=0ABcc:_eve@x.example?='
  const { from, subject } = composed(
    { ...MAIL, fromName: word, subject: word },
    'no-reply@x.example',
  )
  for (const line of [from.name, subject]) assert.doesNotMatch(line, /=\?/)
})

test('whatever a realm and a user are called, the mail is whole and its names are text', () => {
  const name = fc.string({ unit: 'binary', maxLength: 60 })
  fc.assert(
    fc.property(name, name, (realmName, user) => {
      const url = 'https://id.test/realms/acme/link/x'
      const content = { id: 'm1', to: 'ana@x.example', realmName, url, name: user }
      const mail = checkMail(mailOf('invitation', content))
      const tags = mail.html.match(/<[^>]*>/g)?.length
      const plain = mailOf('invitation', { ...content, realmName: 'A', name: 'B' })
      assert.equal(tags, plain.html.match(/<[^>]*>/g)?.length)
      assert.equal(mail.text.split('\n').length, plain.text.split('\n').length)
    }),
  )
})

test('a mail fetches nothing when it is read', () => {
  for (const kind of ['recovery', 'invitation', 'verify_email'] as const) {
    const { html } = mailOf(kind, {
      id: 'm1',
      to: 'ana@x.example',
      realmName: 'Acme',
      url: 'https://id.test/link/x',
      name: undefined,
    })
    assert.doesNotMatch(html, /src=|url\(|<(?:link|img|script|iframe|object)/i)
    assert.equal(html.match(/https?:/g)?.length, 1, 'the link itself')
  }
})
