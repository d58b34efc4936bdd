import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** A vending service on a unix socket that answers as the test says and keeps what it was asked. */
export interface FakeVending {
  readonly socketPath: string
  readonly asked: URLSearchParams[]
  close(): Promise<void>
}

export async function startFakeVending(
  answer: (token: string) => Answer | Promise<Answer>,
): Promise<FakeVending> {
  const directory = await mkdtemp(join(tmpdir(), 'clinic-vending-'))
  const socketPath = join(directory, 'vending.sock')
  const asked: URLSearchParams[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const form = new URLSearchParams(await text(request))
      asked.push(form)
      const { status, body } =
        request.method === 'POST' && request.url === '/v1/token'
          ? await answer(form.get('subject_token') ?? '')
          : { status: 404, body: {} }
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })()
  })
  server.listen(socketPath)
  await once(server, 'listening')
  return {
    socketPath,
    asked,
    async close() {
      server.closeAllConnections()
      server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A lease as vending hands it out. */
export function leaseAnswer(
  leaseId: string,
  seconds: number,
  data: { host: string; port: number; user: string; password: string; database: string },
): Answer {
  return {
    status: 200,
    body: {
      lease_id: leaseId,
      lease_duration: seconds,
      renewable: true,
      access_token: 'unused',
      issued_token_type: 'urn:ringfence:params:token-type:postgres-credential',
      token_type: 'N_A',
      data,
    },
  }
}
