import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FORM_BYTES_MAX, parseForm, readForm } from './form.ts'

const REFUSED = { code: 'invalid_argument' }

describe('a form', () => {
  test('comes back as it was sent, whatever the values are', () => {
    const name = fc.stringMatching(/^[a-z_]{1,40}$/)
    const value = fc.stringMatching(/^[\x20-\x7e]{0,60}$/)
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 20 }), (fields) => {
        const form = parseForm(new URLSearchParams(Object.entries(fields)).toString())
        assert.deepEqual(form.repeated, [])
        for (const [key, sent] of Object.entries(fields)) {
          assert.equal(form.get(key), sent === '' ? undefined : sent)
        }
      }),
    )
  })

  test('names each parameter that is there more than once, an empty one too, and no other', () => {
    const names = fc.array(fc.constantFrom('scope', 'grant_type', 'client_id', 'subject_token'), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(names, fc.constantFrom('', 'x'), (sent, value) => {
        const { repeated } = parseForm(sent.map((name) => `${name}=${value}`).join('&'))
        const twice = sent.filter((name, index) => sent.indexOf(name) !== index)
        assert.deepEqual([...repeated].sort(), [...new Set(twice)].sort())
      }),
    )
  })

  test('finds a parameter twice however its name is spelled', () => {
    assert.deepEqual(parseForm('scope=read&%73cope=write').repeated, ['scope'])
  })

  test('of any other text is refused or read, and never fails in another way', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        try {
          parseForm(text)
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'invalid_argument')
        }
      }),
    )
  })

  for (const [what, text] of [
    ['a broken escape', 'scope=%zz'],
    ['bytes that are no UTF-8', 'scope=%ff'],
    ['a zero byte', 'scope=read%00'],
    ['a line break', 'scope=read%0Awrite'],
    ['a letter that only looks like one of ours', 'scope=%D0%B0'],
    ['a parameter without =', 'scope'],
    ['a parameter without a name', '=read'],
    ['a name in capitals', 'Scope=read'],
    ['too many parameters', Array.from({ length: 31 }, (_, i) => `a=${i}`).join('&')],
  ] as const) {
    test(`with ${what} is refused`, () => assert.throws(() => parseForm(text), REFUSED))
  }

  test('whose values are refused does not repeat them', () => {
    const secret = 'planted-secret-77'
    for (const text of [`scope=${secret}%00`, `${secret}=1`, `scope=%zz${secret}`]) {
      assert.throws(
        () => parseForm(text),
        (error: Error) => !error.message.includes(secret),
      )
    }
  })
})

describe('a request', () => {
  const send = (body: string, type: string | undefined) =>
    readForm(
      new Request('http://localhost/', {
        method: 'POST',
        body: Buffer.from(body),
        ...(type === undefined ? {} : { headers: { 'content-type': type } }),
      }),
    )

  test('of the form type is read', async () => {
    for (const type of [
      'application/x-www-form-urlencoded',
      'application/x-www-form-urlencoded; charset=utf-8',
      'Application/X-WWW-Form-Urlencoded;charset="UTF-8"',
    ]) {
      assert.equal((await send('scope=read', type)).get('scope'), 'read')
    }
  })

  test('of any other type is refused', async () => {
    for (const type of [
      undefined,
      'application/json',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded; charset=utf-16',
      'application/x-www-form-urlencoded, text/plain',
    ]) {
      await assert.rejects(send('scope=read', type), REFUSED, String(type))
    }
  })

  test('that is too long is refused, also when it does not say how long it is', async () => {
    const type = 'application/x-www-form-urlencoded'
    await assert.rejects(send(`scope=${'x'.repeat(FORM_BYTES_MAX)}`, type), REFUSED)
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.from('xxxxxxxx'.repeat(512))),
    })
    const request = new Request('http://localhost/', {
      method: 'POST',
      body: endless,
      headers: { 'content-type': type },
      duplex: 'half',
    })
    await assert.rejects(readForm(request), REFUSED)
  })
})
