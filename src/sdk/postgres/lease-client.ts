import type { Socket } from 'node:net'
import pg from 'pg'
import type { ScramKeys } from './scram-keys.ts'

/** What a session keeps beyond its transaction, as the command tags of its statements tell. */
const SETTINGS = /^(?:SET|LISTEN|DECLARE)\b/
/** After these the driver's own named statements may be gone, or others stand in their place. */
const STATEMENTS = /^(?:PREPARE|DEALLOCATE|DISCARD|LOAD)\b/

interface SaslSession {
  readonly mechanism: string
  readonly clientNonce: string
  message: string
  response: string
  serverSignature: string
}

/** The parts of pg (its version is pinned exactly) that it does not document and this file uses. */
interface Internals {
  readonly saslSession: SaslSession | null
  readonly readyForQuery: boolean
  readonly connection: {
    readonly stream: Socket
    on(event: 'commandComplete', listener: (message: { readonly text: string }) => void): void
    sendSCRAMClientFinalMessage(response: string): void
    emit(event: 'error', error: unknown): void
  }
  getTransactionStatus(): string | null
}

/**
 * A `pg` client for a leased login: it authenticates with keys that were derived once, may start on a
 * socket that is connected already, and knows what its borrower has left behind.
 */
export class LeaseClient extends pg.Client {
  readonly #keys: ScramKeys
  #settingsChanged = false
  #statementsChanged = false
  #ended = false

  constructor(config: pg.ClientConfig, keys: ScramKeys, spare?: Socket) {
    super(spare === undefined ? config : { ...config, stream: () => startOn(spare) })
    this.#keys = keys
    this.#internals.connection.on('commandComplete', ({ text }) => {
      if (SETTINGS.test(text)) this.#settingsChanged = true
      else if (STATEMENTS.test(text)) this.#statementsChanged = true
    })
    // Without a listener a session that the server ends would end this process.
    this.on('error', () => {
      this.#ended = true
    })
    this.on('end', () => {
      this.#ended = true
    })
  }

  get #internals(): Internals {
    return this as unknown as Internals
  }

  /** True when the session is over, or will be. */
  get ended(): boolean {
    return this.#ended
  }

  /**
   * Brings the session back to how it began, for the next borrower of the same tenant: rolls back,
   * and undoes settings, LISTEN and open cursors. False when it cannot be lent again.
   */
  async reset(): Promise<boolean> {
    const { readyForQuery } = this.#internals
    if (this.#ended || !readyForQuery || this.#statementsChanged) return false
    const undo: string[] = []
    if (this.#internals.getTransactionStatus() !== 'I') undo.push('rollback')
    if (this.#settingsChanged) undo.push('reset all', 'close all', 'unlisten *')
    if (undo.length === 0) return true
    try {
      await this.query(undo.join('; '))
    } catch {
      return false
    }
    this.#settingsChanged = false
    return !this.#ended
  }

  /** Ends the session and waits until the server has let go of it, at most `ms` milliseconds. */
  async hangUp(ms: number): Promise<void> {
    const { connection, readyForQuery } = this.#internals
    const patience = setTimeout(() => connection.stream.destroy(), ms)
    // pg would cut a running query's connection, and the server would go on with it unseen.
    if (!this.#ended && !readyForQuery) {
      await new Promise<void>((resolve) => {
        this.once('drain', resolve)
        this.once('end', resolve)
      })
    }
    await this.end().catch(() => {})
    clearTimeout(patience)
  }

  /** In place of pg's own method of this name, which derives the keys anew each time. */
  async _handleAuthSASLContinue(message: { readonly data: string }): Promise<void> {
    const { saslSession, connection } = this.#internals
    try {
      if (saslSession?.mechanism !== 'SCRAM-SHA-256') throw new Error('SCRAM: out of order')
      const answer = await this.#keys.answer(saslSession.clientNonce, message.data)
      saslSession.message = 'SASLResponse'
      saslSession.serverSignature = answer.serverSignature
      saslSession.response = answer.response
      connection.sendSCRAMClientFinalMessage(answer.response)
    } catch (error) {
      connection.emit('error', error)
    }
  }
}

/** The socket, such that pg's call of `connect` finds it connected. */
function startOn(socket: Socket): Socket {
  return Object.assign(socket, {
    connect: () => {
      process.nextTick(() => socket.emit('connect'))
      return socket
    },
  })
}
