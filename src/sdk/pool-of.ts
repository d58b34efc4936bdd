import pg from 'pg'

type Connected = Parameters<pg.Pool['connect']>[0]

/**
 * A `pg` pool that is this one session and nothing else, for libraries that want a pool. What they
 * ask of it runs one after the other. It needs no ending: the session goes back to its own pool.
 */
export function poolOf(db: pg.ClientBase): pg.Pool {
  return new SessionPool(db)
}

class SessionPool extends pg.Pool {
  readonly #db: pg.ClientBase

  constructor(db: pg.ClientBase) {
    super({ max: 1, idleTimeoutMillis: 0, Client: clientFor(db) })
    this.#db = db
  }

  override connect(): Promise<pg.PoolClient>
  override connect(connected: Connected): void
  override connect(connected?: Connected): Promise<pg.PoolClient> | void {
    try {
      // Throws when the session has been given back: here, where somebody can be told.
      Reflect.get(this.#db, 'query')
    } catch (error) {
      if (connected === undefined) return Promise.reject(error)
      return connected(error as Error, undefined, () => {})
    }
    return connected === undefined ? super.connect() : super.connect(connected)
  }
}

/** What `pg.Pool` makes as its only client: the session, with a life of its own that does nothing. */
function clientFor(db: pg.ClientBase): new () => pg.Client {
  const nothing = (done?: (error?: Error) => void) => {
    if (done === undefined) return Promise.resolve()
    process.nextTick(done)
    return undefined
  }
  const own = new Map<PropertyKey, unknown>([
    ['connect', nothing],
    ['end', nothing],
    ['ref', () => {}],
    ['unref', () => {}],
  ])
  const client = new Proxy(db, {
    get: (target, name) => (own.has(name) ? own.get(name) : Reflect.get(target, name)),
    set: (_, name, value) => {
      own.set(name, value)
      return true
    },
  })
  return function SessionAsClient() {
    return client
  } as unknown as new () => pg.Client
}
