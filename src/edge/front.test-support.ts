import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { CertificateMemory } from './certificate-memory.ts'
import type { Certificate, CertificateStore } from './certificate-store.ts'
import { type Front, type FrontOptions, openFront } from './front.ts'
import { LIMITS } from './front-limits.test-support.ts'
import { selfSigned } from './self-signed.ts'

export const certificate: Certificate = await selfSigned(['a.example', 'b.example'])
const store: CertificateStore = new CertificateMemory({
  'a.example': certificate,
  'b.example': certificate,
})

export interface TestFront {
  readonly port: number
  /** Targets of the requests that came through. */
  readonly seen: string[]
  /** Their fields, names and values in turn. */
  readonly fields: string[]
  /** Answers of `/hang`, which a test ends. */
  readonly hanging: ServerResponse[]
  readonly front: Front
}

/** A front over TLS before a server that answers everything. */
export async function openTestFront(
  t: TestContext,
  {
    limits,
    ...options
  }: Omit<Partial<FrontOptions>, 'limits'> & {
    readonly limits?: Partial<FrontOptions['limits']>
    readonly plain?: boolean
  } = {},
): Promise<TestFront> {
  const seen: string[] = []
  const fields: string[] = []
  const hanging: ServerResponse[] = []
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    seen.push(request.url ?? '')
    fields.push(...request.rawHeaders)
    if (request.url === '/hang') hanging.push(response)
    else if (request.url === '/read') {
      request.on('end', () => response.end('read')).resume()
    } else response.end('served')
  }
  const server = createServer(
    { maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 100 },
    handler,
  )
  const front = await openFront({
    server,
    handler,
    listen: { host: '127.0.0.1', port: 0 },
    farewellMs: 0,
    limits: { ...LIMITS, ...limits },
    ...(options.plain === true ? {} : { certificates: store }),
    ...options,
  })
  t.after(() => {
    for (const response of hanging) response.destroy()
    return front.close()
  })
  return { port: Number(new URL(front.url).port), seen, fields, hanging, front }
}
