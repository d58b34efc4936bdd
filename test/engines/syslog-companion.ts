import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import type { Companion } from './companions.ts'

const SERVER = '/usr/sbin/rsyslogd'
/** Where Debian keeps the part of it that speaks TLS. */
const TLS = '/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so'

/** Debian's rsyslog with GnuTLS, installed when we may and it is not there. */
export async function syslog(): Promise<Companion> {
  const name = 'rsyslog'
  const there = () => existsSync(SERVER) && existsSync(TLS)
  try {
    if (!there() && process.getuid?.() === 0) {
      const install = ['install', '-y', '--no-install-recommends', 'rsyslog', 'rsyslog-gnutls']
      await promisify(execFile)('apt-get', install, {
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
    }
  } catch (error) {
    return { name, missing: `apt-get install rsyslog-gnutls: ${messageOf(error).slice(0, 200)}` }
  }
  if (!there()) return { name, missing: `there is no ${SERVER} with ${TLS}` }
  return {
    name,
    file: 'test/engines/syslog.engine.ts',
    environment: { RINGFENCE_TEST_RSYSLOG: SERVER },
  }
}
