import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import type { Companion } from './companions.ts'

const run = promisify(execFile)
const VERSION = '26.5.6'
const JAVA_MIN = 17
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy'

/** A real Keycloak from Maven, in a directory of its own outside the checkout, kept for the next run. */
export async function keycloak(): Promise<Companion> {
  const name = `Keycloak ${VERSION}`
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const directory = join(cache, 'ringfence', 'companions', `keycloak-${VERSION}`)
  const java = await javaVersion()
  if (java < JAVA_MIN) {
    const found = java === 0 ? 'none in the PATH' : `${java} in the PATH`
    return { name, missing: `it needs Java ${JAVA_MIN} or newer: there is ${found}` }
  }
  try {
    if (!existsSync(join(directory, 'bin', 'kc.sh'))) await download(directory)
  } catch (error) {
    return {
      name,
      missing: `it needs Maven, its registry and unzip: ${messageOf(error).slice(0, 200)}`,
    }
  }
  return {
    name,
    file: 'test/engines/keycloak.engine.ts',
    environment: { RINGFENCE_TEST_KEYCLOAK: directory },
  }
}

/** 0: there is none. */
async function javaVersion(): Promise<number> {
  try {
    const { stderr } = await run('java', ['-version'])
    return Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** Whole or not at all: what was broken off is begun again. */
async function download(directory: string): Promise<void> {
  const draft = `${directory}.draft`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  const artifact = `-Dartifact=org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`
  await run('mvn', ['-B', '-q', COPY, artifact, `-DoutputDirectory=${draft}`], { cwd: draft })
  await run('unzip', ['-q', join(draft, `keycloak-quarkus-dist-${VERSION}.zip`), '-d', draft])
  rmSync(directory, { recursive: true, force: true })
  renameSync(join(draft, `keycloak-${VERSION}`), directory)
  rmSync(draft, { recursive: true, force: true })
}
