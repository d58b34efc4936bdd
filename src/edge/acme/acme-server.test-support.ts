import 'reflect-metadata'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import {
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000

interface Order {
  readonly host: string
  readonly token: string
  status: 'pending' | 'ready' | 'valid' | 'invalid'
  certificate: string
}

export interface AcmeServer {
  readonly directoryUrl: string
  /** Hosts of all orders, in order. */
  readonly ordered: string[]
  /** Accounts that were made. */
  accounts(): number
}

/**
 * An authority that looks at challenges as a real one does, at a port that it is told, and believes
 * signatures without looking: a real one is met in `test/engines`.
 */
export async function acmeServer(t: TestContext, plainPort: () => number): Promise<AcmeServer> {
  const orders: Order[] = []
  const accounts = new Set<string>()
  const server = createServer((incoming, response) => void serve(incoming, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const orderAt = (index: number) => {
    const order = orders[index]
    if (order === undefined) throw new RangeError('no such order')
    const { status, host } = order
    return {
      status,
      identifiers: [{ type: 'dns', value: host }],
      authorizations: [`${base}/authorization/${index}`],
      finalize: `${base}/finalize/${index}`,
      ...(status === 'valid' ? { certificate: `${base}/certificate/${index}` } : {}),
    }
  }
  const challengeOf = (index: number) => {
    const { token, status } = orders[index] as Order
    const seen = status === 'ready' || status === 'valid' ? 'valid' : status
    return { type: 'http-01', url: `${base}/challenge/${index}`, token, status: seen }
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, what = '', text = ''] = (incoming.url ?? '').split('/')
    const index = Number(text)
    const body = await bodyOf(incoming)
    const answer = (status: number, value: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'replay-nonce': crypto.randomUUID(), ...headers })
      response.end(typeof value === 'string' ? value : JSON.stringify(value))
    }
    switch (what) {
      case 'directory':
        return answer(200, {
          newNonce: `${base}/nonce`,
          newAccount: `${base}/account`,
          newOrder: `${base}/order`,
        })
      case 'nonce':
        return answer(200, '')
      case 'account':
        accounts.add(JSON.stringify(body.jwk))
        return answer(201, { status: 'valid' }, { location: `${base}/accounts/1` })
      case 'order': {
        if (text !== '') return answer(200, orderAt(index))
        const value = body.payload.identifiers?.[0]?.value ?? ''
        orders.push({ host: value, token: crypto.randomUUID(), status: 'pending', certificate: '' })
        const location = `${base}/order/${orders.length - 1}`
        return answer(201, orderAt(orders.length - 1), { location })
      }
      case 'authorization': {
        const challenge = challengeOf(index)
        const identifier = { type: 'dns', value: orders[index]?.host }
        return answer(200, { status: challenge.status, identifier, challenges: [challenge] })
      }
      case 'challenge': {
        const order = orders[index] as Order
        order.status = (await isAnswered(order, plainPort())) ? 'ready' : 'invalid'
        return answer(200, challengeOf(index))
      }
      case 'finalize': {
        const order = orders[index] as Order
        order.certificate = await issue(order.host, body.payload.csr ?? '')
        order.status = 'valid'
        return answer(200, orderAt(index))
      }
      default:
        return answer(200, orders[index]?.certificate ?? '')
    }
  }

  return {
    directoryUrl: `${base}/directory`,
    get ordered() {
      return orders.map(({ host }) => host)
    },
    accounts: () => accounts.size,
  }
}

interface Body {
  readonly jwk: unknown
  readonly payload: {
    readonly identifiers?: readonly { readonly value: string }[]
    readonly csr?: string
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<Body> {
  let text = ''
  for await (const chunk of incoming) text += String(chunk)
  if (text === '') return { jwk: undefined, payload: {} }
  const { protected: head, payload } = JSON.parse(text) as Record<string, string>
  const decoded = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString() || '{}')
  return { jwk: decoded(head).jwk, payload: decoded(payload) }
}

async function isAnswered({ host, token }: Order, port: number): Promise<boolean> {
  const text = await new Promise<string>((resolve) => {
    const sending = request({
      ...{ port, host: '127.0.0.1', headers: { host }, agent: false },
      path: `/.well-known/acme-challenge/${token}`,
    })
    sending.on('response', (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => resolve(response.statusCode === 200 ? body : ''))
    })
    sending.on('error', () => resolve(''))
    sending.end()
  })
  return new RegExp(`^${token}\\.[\\w-]{43}$`).test(text)
}

async function issue(host: string, csr: string): Promise<string> {
  const asked = new Pkcs10CertificateRequest(Buffer.from(csr, 'base64url'))
  const authority = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const now = Date.now()
  const made = await X509CertificateGenerator.create({
    subject: `CN=${host}`,
    issuer: 'CN=A test',
    publicKey: await asked.publicKey.export(),
    signingKey: authority.privateKey,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + 89 * DAY_MS),
    extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: host }])],
  })
  return `${made.toString('pem')}\n`
}
