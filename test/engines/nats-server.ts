import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { nkeys } from '@nats-io/transport-node'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import { freePort } from '../../src/platform/ports.ts'
import { type NatsSettings, natsSchema } from '../../src/revocation/nats-settings.ts'

export const SUBJECT = 'ringfence.revocations'
export const PASSWORD = 'a-password-of-the-test'

/** A NATS server of a test's own. */
export interface NatsServer {
  readonly port: number
  /** Of one of its users. */
  settings(user: string, more?: object): NatsSettings
  start(): Promise<void>
  /** Ends it at once. */
  kill(): Promise<void>
}

/**
 * Its users as `docs/deployment.md` has them, and one that may do anything.
 * @param more lines of its configuration
 */
export async function startNats(
  t: TestContext,
  more = '',
  users = passwords(),
): Promise<NatsServer> {
  const directory = scratch(t)
  const port = await freePort('127.0.0.1')
  const config = `${directory}/nats.conf`
  const passwordFile = `${directory}/password`
  writeFileSync(config, `listen: "127.0.0.1:${port}"\n${users}\n${more}\n`)
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 })
  let child: ChildProcess | undefined
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const start = async () => {
    const server = spawn(process.env['RINGFENCE_TEST_NATS'] ?? 'nats-server', ['-c', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child = server
    let said = ''
    await new Promise<void>((resolve, reject) => {
      server.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes('Server is ready')) resolve()
      })
      server.once('exit', () => reject(new Error(said)))
    })
  }
  t.after(kill)
  await start()
  return {
    port,
    settings: (user, more = {}) =>
      natsSchema.parse({ servers: [`nats://127.0.0.1:${port}`], user, passwordFile, ...more }),
    start,
    kill,
  }
}

function passwords(): string {
  const user = (name: string, permissions: object) =>
    `{ user: ${name}, password: "${PASSWORD}", permissions: ${JSON.stringify(permissions)} }`
  return `authorization { users: [
    ${user('revokes', { publish: SUBJECT, subscribe: SUBJECT })}
    ${user('follows', { publish: { deny: '>' }, subscribe: SUBJECT })}
    ${user('stranger', { publish: 'other.>', subscribe: 'other.>' })}
    ${user('anybody', { publish: '>', subscribe: '>' })}
  ] }`
}

/** The configuration of a server that knows users by what their account has signed, and such a user's file. */
export function signedUsers(t: TestContext) {
  const [operator, account, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ]
  const any = -1
  const operatorJwt = jwt(operator, operator, { type: 'operator' })
  const limits = { subs: any, data: any, payload: any, conn: any, leaf: any }
  const more = { imports: any, exports: any, wildcards: true }
  const accountJwt = jwt(operator, account, { type: 'account', limits: { ...limits, ...more } })
  const permissions = { pub: { deny: ['>'] }, sub: { allow: [SUBJECT] } }
  const userJwt = jwt(account, user, { type: 'user', ...limits, ...permissions })
  const credentialsFile = `${scratch(t)}/follows.creds`
  const seed = new TextDecoder().decode(user.getSeed())
  const part = (name: string, text: string) =>
    `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n\n`
  writeFileSync(credentialsFile, part('NATS USER JWT', userJwt) + part('USER NKEY SEED', seed), {
    mode: 0o600,
  })
  const config = `operator: ${operatorJwt}\nresolver: MEMORY
    resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`
  return { config, credentialsFile }
}

type KeyPair = ReturnType<typeof nkeys.createUser>

function jwt(issuer: KeyPair, subject: KeyPair, nats: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode({
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name: 'test',
    nats: { ...nats, version: 2 },
  })}`
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`
}
