import { createRequire } from 'node:module'

const DEPTH_MAX = 40
const ELEMENTS_MAX = 4_000

/** An element as it is read: its namespace, never its prefix, says what it is. */
export interface XmlElement {
  readonly name: string
  readonly namespace: string
  /** Attributes without namespace, by name. */
  readonly attributes: ReadonlyMap<string, string>
  /** Names and values of all attributes, without namespace declarations. */
  readonly allAttributes: readonly { readonly name: string; readonly value: string }[]
  readonly children: readonly XmlElement[]
  /** Its own text, in one piece. */
  readonly text: string
  /** The element as XML again. */
  readonly source: { toString(): string }
}

/** What we use of the parser. Its own types would bring in those of browsers. */
interface DomNode {
  readonly nodeType: number
  readonly localName: string
  readonly namespaceURI: string | null | undefined
  readonly nodeName: string
  readonly nodeValue: string | null
  readonly firstChild: DomNode | null
  readonly nextSibling: DomNode | null
  readonly attributes: { readonly length: number; item(index: number): DomNode | null } | null
  toString(): string
}
interface Parser {
  parseFromString(text: string, type: string): DomNode | undefined
}
interface Xmldom {
  readonly DOMParser: new (options: {
    readonly errorHandler: Readonly<
      Record<'warning' | 'error' | 'fatalError', (text: string) => void>
    >
  }) => Parser
}

/** The parser that verifies signatures, too: what we look at is what was verified. */
const { DOMParser } = createRequire(import.meta.url)('@xmldom/xmldom') as Xmldom

const ELEMENT = 1
const TEXT = 3
const XMLNS = 'http://www.w3.org/2000/xmlns/'
/** Document types, entities, CDATA and comments begin so; processing instructions with `<?`. */
const MARKUP_DECLARATION = /<!|<\?(?!xml[ \t\r\n])/
const XML_DECLARATION = /^<\?xml[ \t\r\n][^?<>]*\?>/
const CONTROL = /(?![\t\n\r])\p{Cc}|[\ufffe\uffff]/u

/** A tag, with attributes that are quoted; in what is left of XML here nothing else begins with `<`. */
const TAG =
  /<(\/?)([^\s<>/="'&]{1,200})((?:\s+[^\s<>/="']+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>[^<]*/y

/**
 * Reads XML of the plain kind that identity providers send, and refuses the rest before a parser sees
 * it: document types and entities (XXE, and documents that grow), comments (values cut in two),
 * processing instructions, CDATA.
 * @throws TypeError
 */
export function parseXml(text: string): XmlElement {
  const body = text.replace(/^\ufeff/, '').replace(XML_DECLARATION, '')
  if (MARKUP_DECLARATION.test(body) || body.includes('<?') || CONTROL.test(body)) {
    throw new TypeError('XML with a document type, comments or instructions')
  }
  checkNesting(body)
  const fail = (message: string) => {
    throw new TypeError(`not XML: ${message.slice(0, 100)}`)
  }
  const parser = new DOMParser({ errorHandler: { warning: fail, error: fail, fatalError: fail } })
  const document = parser.parseFromString(text, 'text/xml')
  const roots = document === undefined ? [] : childrenOf(document)
  const [root, ...more] = roots.filter(({ nodeType }) => nodeType === ELEMENT)
  if (root === undefined || more.length > 0 || textOf(roots).trim() !== '') {
    throw new TypeError('not one XML document')
  }
  return elementOf(root, { elements: 0 }, 1)
}

/** The parser mends what does not nest; what is signed should not need to be mended. */
function checkNesting(body: string): void {
  const open: string[] = []
  let at = body.length - body.trimStart().length
  while (at < body.length) {
    TAG.lastIndex = at
    const [all, closing, name = '', attributes, empty] = TAG.exec(body) ?? []
    if (all === undefined) throw new TypeError('not XML: something that is not a tag')
    if (closing === '') {
      if (empty === '') open.push(name)
    } else if (open.pop() !== name || attributes !== '' || empty !== '') {
      throw new TypeError('not XML: tags that do not nest')
    }
    at += all.length
  }
  if (open.length > 0) throw new TypeError('not XML: tags that do not end')
}

/** The element and everything below it. */
export function* everyElement(element: XmlElement): Generator<XmlElement> {
  yield element
  for (const child of element.children) yield* everyElement(child)
}

export function childrenNamed(
  element: XmlElement,
  namespace: string,
  name: string,
): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name && child.namespace === namespace)
}

function elementOf(node: DomNode, count: { elements: number }, depth: number): XmlElement {
  if (depth > DEPTH_MAX || ++count.elements > ELEMENTS_MAX) throw new TypeError('XML too deep')
  const nodes = childrenOf(node)
  const attributes = attributesOf(node)
  return {
    name: node.localName,
    namespace: node.namespaceURI ?? '',
    attributes: new Map(
      attributes.filter(({ bare }) => bare).map(({ name, value }) => [name, value]),
    ),
    allAttributes: attributes,
    children: nodes
      .filter(({ nodeType }) => nodeType === ELEMENT)
      .map((child) => elementOf(child, count, depth + 1)),
    text: plain(textOf(nodes)),
    source: node,
  }
}

function textOf(nodes: readonly DomNode[]): string {
  return nodes
    .filter(({ nodeType }) => nodeType === TEXT)
    .map(({ nodeValue }) => nodeValue ?? '')
    .join('')
}

/** Without what XML cannot hold, however it was written. */
function plain(text: string): string {
  if (CONTROL.test(text)) throw new TypeError('XML with control characters')
  return text
}

function attributesOf(node: DomNode) {
  const found: { name: string; value: string; bare: boolean }[] = []
  for (let index = 0; index < (node.attributes?.length ?? 0); index++) {
    const attribute = node.attributes?.item(index)
    if (attribute === null || attribute === undefined || attribute.namespaceURI === XMLNS) continue
    found.push({
      name: attribute.localName,
      value: plain(attribute.nodeValue ?? ''),
      bare: (attribute.namespaceURI ?? '') === '',
    })
  }
  return found
}

/** Anything but elements and text was refused before; should one get here, it is refused now. */
function childrenOf(node: DomNode): readonly DomNode[] {
  const children: DomNode[] = []
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.nodeType === ELEMENT || child.nodeType === TEXT) children.push(child)
    // The XML declaration before the root.
    else if (node.nodeType === ELEMENT || child.nodeName !== 'xml') {
      throw new TypeError('XML with something else than elements and text')
    }
  }
  return children
}
