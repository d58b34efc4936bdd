import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { parseDocument } from '../core/parse-document.ts'
import { parsed } from '../core/parsed.ts'
import {
  type CellName,
  parseCellName,
  parseRegion,
  parseTenantId,
  parseTier,
  type Region,
  type Tenant,
} from '../core/tenant.ts'

const schema = z.strictObject({
  apiVersion: z.literal('ringfence.dev/v1'),
  kind: z.literal('Platform'),
  metadata: z.strictObject({ name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/) }),
  spec: z.strictObject({
    application: z.string().min(1),
    cells: z
      .array(
        z.strictObject({
          name: parsed(parseCellName),
          region: parsed(parseRegion),
          /** Environment variable that holds the URL of an external server. */
          urlFrom: z.string().optional(),
        }),
      )
      .min(1),
    tenants: z
      .array(
        z.strictObject({
          id: parsed(parseTenantId),
          tier: parsed(parseTier),
          region: parsed(parseRegion),
          displayName: z.string().min(1).max(200),
          /** What the application's own loader makes of it; the platform does not look inside. */
          data: z.unknown().optional(),
        }),
      )
      .default([]),
    /** The application's own programs; they find vending by RINGFENCE_VENDING_SOCKET. */
    processes: z
      .array(
        z.strictObject({
          name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
          command: z.array(z.string().min(1)).min(1),
          environment: z.record(z.string(), z.string()).default({}),
          /** A regular expression on a line of its output that says it is ready. */
          ready: parsed(parsePattern),
        }),
      )
      .default([]),
  }),
})

function parsePattern(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('must be a regular expression')
  return new RegExp(value).source
}

export interface PlatformCell {
  readonly name: CellName
  readonly region: Region
  readonly urlFrom: string | undefined
}

export interface PlatformTenant extends Tenant {
  readonly displayName: string
  readonly cell: CellName
  readonly data: unknown
}

export interface PlatformProcess {
  readonly name: string
  readonly command: readonly string[]
  /** Working directory: that of the platform's manifest. */
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  readonly ready: string
}

/** What `ringfence up` brings up. */
export interface PlatformManifest {
  readonly name: string
  /** Path of the application's manifest. */
  readonly application: string
  readonly cells: readonly PlatformCell[]
  readonly tenants: readonly PlatformTenant[]
  readonly processes: readonly PlatformProcess[]
}

/** Reads a platform manifest. @throws RingfenceError `invalid_manifest` naming file and field. */
export function loadPlatform(path: string): PlatformManifest {
  const refuse = (why: string) => new RingfenceError('invalid_manifest', `${path}: ${why}`)
  const { metadata, spec } = parseDocument(readText(path), path, schema)
  refuseDoubles(
    spec.cells.map((cell) => cell.name),
    'cell',
    refuse,
  )
  refuseDoubles(
    spec.tenants.map((tenant) => tenant.id),
    'tenant',
    refuse,
  )
  const tenants = spec.tenants.map((tenant) => {
    const cell = spec.cells.find((one) => one.region === tenant.region)
    if (cell === undefined) throw refuse(`${tenant.id}: no cell in region ${tenant.region}`)
    return { ...tenant, cell: cell.name, data: tenant.data }
  })
  return {
    name: metadata.name,
    application: resolve(dirname(path), spec.application),
    cells: spec.cells.map((cell) => ({ ...cell, urlFrom: cell.urlFrom })),
    tenants,
    processes: spec.processes.map((one) => ({ ...one, directory: resolve(dirname(path)) })),
  }
}

function refuseDoubles(
  names: readonly string[],
  what: string,
  refuse: (why: string) => RingfenceError,
): void {
  const double = names.find((name, index) => names.indexOf(name) !== index)
  if (double !== undefined) throw refuse(`${what} ${double} is there twice`)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new RingfenceError('invalid_manifest', `${path}: ${messageOf(error)}`)
  }
}
