import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { everyElement, parseXml } from './xml.ts'

test('an element is read by its namespace, whatever its prefix', () => {
  const root = parseXml(
    '<?xml version="1.0"?>\n<a:x xmlns:a="urn:a" ID="1" a:ID="2"><y>t&amp;u</y></a:x>',
  )
  assert.deepEqual([root.name, root.namespace], ['x', 'urn:a'])
  assert.deepEqual([...root.attributes], [['ID', '1']])
  assert.deepEqual(
    root.allAttributes.map(({ value }) => value),
    ['1', '2'],
  )
  assert.equal(root.children[0]?.text, 't&u')
  assert.equal([...everyElement(root)].length, 2)
})

describe('XML', () => {
  for (const [what, text] of [
    ['with a document type', '<!DOCTYPE a><a/>'],
    ['with a document type in small letters', '<!doctype a><a/>'],
    ['with entities that grow', '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'],
    ['with an entity that nobody declared', '<a>&b;</a>'],
    ['with a comment', '<a>x<!-- y -->z</a>'],
    ['with a comment before it', '<!-- y --><a/>'],
    ['with CDATA', '<a><![CDATA[x]]></a>'],
    ['with an instruction', '<a><?php x?></a>'],
    ['with a second declaration', '<?xml version="1.0"?><?xml version="1.0"?><a/>'],
    ['with a stylesheet', '<?xml version="1.0"?><?xml-stylesheet href="x"?><a/>'],
    ['with two roots', '<a/><b/>'],
    ['with text after it', '<a/>x'],
    ['with an attribute twice', '<a b="1" b="2"/>'],
    ['with an attribute without quotes', '<a b=1/>'],
    ['that does not end', '<a>'],
    ['that ends in another order', '<a><b></a></b>'],
    ['with < in an attribute', '<a b="<"/>'],
    ['with a name in two parts', '<a b c="1"/>'],
    ['with an attribute in an end', '<a></a b="1">'],
    ['with a zero byte', '<a>&#0;</a>'],
    ['with a control character', '<a b="&#x1;"/>'],
    ['that is deep', '<a>'.repeat(41) + '</a>'.repeat(41)],
    ['that has very many elements', `<a>${'<b/>'.repeat(4_000)}</a>`],
    ['that is nothing', ''],
    ['that is text', 'hello'],
  ] as const) {
    test(`${what} is refused`, () => assert.throws(() => parseXml(text), TypeError))
  }

  test('of any text is read or refused, and never fails in another way', () => {
    const piece = fc.constantFrom(
      '<a>',
      '</a>',
      '<b/>',
      '<!--',
      '-->',
      '<?',
      '?>',
      '<![CDATA[',
      ']]>',
      '&lt;',
      '&x;',
      ' c="1"',
      '<',
      '>',
      'x',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (parts) => {
        try {
          parseXml(parts.join(''))
        } catch (error) {
          assert.ok(error instanceof TypeError, String(error))
        }
      }),
    )
  })

  test('says the text that was put in', () => {
    const text = fc.stringMatching(/^[^\p{C}\r]{0,40}$/u)
    fc.assert(
      fc.property(text, (value) => {
        const escaped = value
          .replaceAll('&', '&amp;')
          .replaceAll('<', '&lt;')
          .replaceAll('>', '&gt;')
        assert.equal(parseXml(`<a>${escaped}</a>`).text, value)
      }),
    )
  })
})
