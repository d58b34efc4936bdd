import type { TreeHead } from '../../transparency/merkle-proofs.ts'
import type { NoteSigner } from '../../transparency/note-signer.ts'
import type { VerifierKey } from '../../transparency/verifier-key.ts'
import { judgeCheckpoint, type WitnessAnswer } from '../../transparency/witness.ts'
import { parseWitnessRequest } from '../../transparency/witness-request.ts'
import type { LogClient, LogDatabase } from './log-database.ts'

/** Who cosigns, and whose logs. */
export interface WitnessOptions {
  /** `cosigner(…)`, with a key that signs nothing else. */
  readonly signer: NoteSigner
  /** The keys of each log that is witnessed, by its origin. */
  readonly logs: ReadonlyMap<string, readonly VerifierKey[]>
}

export interface WitnessServiceOptions extends WitnessOptions {
  readonly database: LogDatabase
  readonly now?: () => number
}

/** A checkpoint, 63 hashes and signatures of many witnesses are far below. */
const BODY_BYTES_MAX = 256 * 1_024

/**
 * A witness of others' logs: answers C2SP tlog-witness' `POST …/add-checkpoint`. What it cosigns it
 * keeps first, in the transaction in which it looked at what it knew. `GET …/key` is its public key.
 */
export function witnessService(options: WitnessServiceOptions) {
  return async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    if (pathname.endsWith('/key') && request.method === 'GET') {
      return new Response(`${options.signer.key.text}\n`)
    }
    if (!pathname.endsWith('/add-checkpoint')) return new Response('not found\n', { status: 404 })
    if (request.method !== 'POST') return new Response('POST alone\n', { status: 405 })
    const body = await readBody(request)
    if (body === undefined) return new Response('too long\n', { status: 413 })
    const answer = await witnessed(options, body)
    return new Response(answer.body, {
      status: answer.status,
      headers: { 'content-type': answer.contentType },
    })
  }
}

const SET_BACK: WitnessAnswer = {
  status: 503,
  contentType: 'text/plain; charset=utf-8',
  body: 'the last cosignature is of a later time than this witness has now\n',
}

function witnessed(
  { database, signer, logs, now = Date.now }: WitnessServiceOptions,
  body: string,
): Promise<WitnessAnswer> {
  return database.transaction(async ({ client }) => {
    let last: Witnessed | undefined
    const answer = await judgeCheckpoint(
      body,
      {
        keysOf: (origin) => logs.get(origin),
        last: async (origin) => (last = await lockLast(client, origin)),
      },
      signer,
    )
    // A cosignature says that at its time no larger tree was seen: a clock that was set back would have it
    // say that of a time for which it has said something else.
    if (answer.remember !== undefined && last !== undefined && last.at.getTime() > now()) {
      return SET_BACK
    }
    if (answer.remember !== undefined) {
      const { checkpoint } = parseWitnessRequest(body)
      const origin = checkpoint.slice(0, checkpoint.indexOf('\n'))
      await client.query(
        `insert into records.log_witnessed (origin, size, root, note, cosigned_at)
         values ($1, $2, $3, $4, $5)
         on conflict (origin) do update set size = excluded.size, root = excluded.root,
           note = excluded.note, cosigned_at = excluded.cosigned_at`,
        [
          origin,
          answer.remember.size,
          Buffer.from(answer.remember.root),
          checkpoint,
          new Date(now()),
        ],
      )
    }
    return answer
  })
}

interface Witnessed extends TreeHead {
  readonly at: Date
}

/** What was cosigned last, and when; until the transaction ends nobody else asks for this log. */
async function lockLast(client: LogClient, origin: string): Promise<Witnessed | undefined> {
  // There is no row to lock before the first one.
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `ringfence witness ${origin}`,
  ])
  const { rows } = await client.query<{
    readonly size: string
    readonly root: Buffer
    readonly cosigned_at: Date
  }>('select size, root, cosigned_at from records.log_witnessed where origin = $1', [origin])
  const row = rows[0]
  return row && { size: Number(row.size), root: row.root, at: row.cosigned_at }
}

async function readBody(request: Request): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    const part = chunk as Uint8Array
    bytes += part.length
    if (bytes > BODY_BYTES_MAX) return undefined
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString('utf8')
}
