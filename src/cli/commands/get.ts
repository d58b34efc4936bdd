import type { Command } from 'commander'
import { stringify } from 'yaml'
import {
  generationSchema,
  objectSchema,
  type WireObject,
} from '../../control/api/object-schemas.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { KIND_NAMES, kindNamed, type ManifestKind } from '../../manifests/kinds.ts'
import type { Console } from '../console.ts'
import {
  type ControlFlags,
  controlCommand,
  examples,
  openControl,
  pathOf,
  wholeNumber,
} from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { withDocuments } from '../openapi-in-manifests.ts'
import { type Columns, documentText, writeList } from '../output.ts'

interface OwnedFlags extends ControlFlags {
  readonly tenant?: string
}
interface GetFlags extends OwnedFlags {
  readonly set?: string
  readonly generation?: string
}

const columns: Columns<WireObject> = ({ manifest, generation, set, changed_at, by }) => ({
  kind: manifest.kind,
  name: manifest.metadata.name,
  tenant: manifest.metadata.tenant,
  generation,
  set,
  changed: generation === 0 ? null : changed_at,
  by,
})

/** `ringfence get` and `ringfence history`: what is declared, as files would hold it, and what was. */
export function addGet(program: Command, console: Console, _ending: Ending): void {
  const get = program
    .command('get <kind> [name]')
    .description(
      'What is declared: tenants, plans, upstreams, contracts, guardrails, policy stores.',
    )
    .option('-t, --tenant <tenant>', 'what is this tenant’s own')
    .option('--set <name>', 'only what is of a set')
    .option('--generation <n>', 'as it was then')
  examples(
    controlCommand(get),
    'ringfence get contracts',
    'ringfence get contract clinic -t acme -o yaml > clinic.yaml',
    'ringfence get all -t acme -o yaml',
  ).action(async (kindWord: string, name: string | undefined, flags: GetFlags) => {
    const { client, format } = openControl(flags, console)
    const kind = kindWord === 'all' ? undefined : readKind(kindWord)
    const generation = wholeNumber(flags.generation, '--generation')
    if (name === undefined) {
      if (generation !== undefined) {
        throw new RingfenceError('invalid_argument', '--generation is of one thing: name it')
      }
      const query = {
        ...(kind === undefined ? {} : { kind: KIND_NAMES[kind] }),
        ...(flags.tenant === undefined ? {} : { tenant: parseTenantId(flags.tenant) }),
        set: flags.set,
      }
      const objects = await client.list('/v1/objects', objectSchema, query)
      if (format === 'table') return writeList(objects, columns, format, console.out)
      const manifests = objects.map(({ manifest }) => withDocuments(manifest))
      return console.out(format === 'yaml' ? yamlOf(manifests) : documentText(manifests, format))
    }
    if (kind === undefined) throw new RingfenceError('invalid_argument', 'name one kind')
    const path = objectPath(kind, name, flags.tenant)
    const query = generation === undefined ? {} : { generation: String(generation) }
    const object = await client.get(path, objectSchema, query)
    if (format === 'table') return writeList([object], columns, format, console.out)
    console.out(documentText(withDocuments(object.manifest), format))
  })
  const history = program
    .command('history <kind> <name>')
    .description('Every generation of what is declared: who, when, why. Newest first.')
    .option('-t, --tenant <tenant>', 'of what is this tenant’s own')
    .option('--limit <n>', 'at most so many')
  examples(controlCommand(history), 'ringfence history contract clinic -t acme').action(
    async (kindWord: string, name: string, flags: OwnedFlags & { limit?: string }) => {
      const { client, format } = openControl(flags, console)
      const path = `${objectPath(readKind(kindWord), name, flags.tenant)}/history`
      const most = wholeNumber(flags.limit, '--limit')
      const all = await client.list(path, generationSchema, {}, most)
      writeList(
        all,
        ({ hash, ...rest }) => ({ ...rest, hash: hash.slice(0, 12) }),
        format,
        console.out,
      )
    },
  )
}

/** Where one thing stands in the API. */
export function objectPath(kind: ManifestKind, name: string, tenant?: string): string {
  const below = ['objects', KIND_NAMES[kind], name]
  return tenant === undefined
    ? pathOf(...below)
    : pathOf('tenants', parseTenantId(tenant), ...below)
}

/** For programs: the manifests alone, so that what is written can be kept and applied again. */
function yamlOf(manifests: readonly unknown[]): string {
  return manifests.map((one) => stringify(one)).join('---\n')
}

function readKind(word: string): ManifestKind {
  const kind = kindNamed(word)
  if (kind !== undefined) return kind
  const known = Object.values(KIND_NAMES).join(', ')
  throw new RingfenceError('invalid_argument', `a kind is one of ${known}`)
}
