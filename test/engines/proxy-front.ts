import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { RingfenceError } from '../../src/core/errors.ts'
import { selfSigned } from '../../src/edge/self-signed.ts'
import { samplePlatform } from '../../src/snapshot/sample.test-support.ts'
import type { Configuration, ConfigurationSource } from '../../src/snapshot/snapshot.ts'

export const SECRET = 'a-secret-of-the-tests-0123456789ab'

type Known = Pick<Configuration, 'platform' | 'tenants'>

/** What a proxy is told of: nothing, where nobody is to be served. */
export function inForce(source: ConfigurationSource): Known {
  try {
    return source.current()
  } catch (error) {
    if (!(error instanceof RingfenceError && error.code === 'snapshot_stale')) throw error
    return { platform: samplePlatform, tenants: () => new Map<never, never>().values() }
  }
}

export const hostsOf = (known: Known) => [...known.tenants()].flatMap(({ hosts }) => hosts)

/** A certificate for each host, and one for the platform's own, as an operator lays them out. */
export async function writeCertificates(
  directory: string,
  hosts: readonly string[],
  platformHosts: readonly string[] = ['localhost'],
): Promise<void> {
  const write = async (name: string, names: readonly string[]) => {
    const { chain, key } = await selfSigned(names)
    await mkdir(join(directory, name), { recursive: true })
    await writeFile(join(directory, name, 'fullchain.pem'), chain)
    await writeFile(join(directory, name, 'privkey.pem'), key, { mode: 0o600 })
  }
  await Promise.all([write('_default', platformHosts), ...hosts.map((host) => write(host, [host]))])
}

/** Whether a proxy comes to take connections. */
export async function accepts(port: number, hasEnded: () => boolean): Promise<boolean> {
  for (const end = Date.now() + 20_000; Date.now() < end && !hasEnded(); ) {
    const isUp = await new Promise<boolean>((resolve) => {
      const probe = connect(port, '127.0.0.1', () => resolve(true))
      probe.on('error', () => resolve(false))
      probe.on('connect', () => probe.destroy())
    })
    if (isUp) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}

/** The hosts that the certificate is for with which a handshake is answered. */
export function certifiedHosts(
  address: { readonly host: string; readonly port: number },
  servername: string,
): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...address, servername, rejectUnauthorized: false }, () => {
      const { subjectaltname = '' } = socket.getPeerCertificate()
      socket.destroy()
      resolve(subjectaltname.split(', ').map((name) => name.replace(/^DNS:/, '')))
    })
    socket.on('error', reject)
  })
}
