import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type pg from 'pg'
import { poolOf } from '../../src/sdk/pool-of.ts'
import { openServiceGround, type ServiceGround } from '../sdk/service-ground.test-support.ts'

const PRISMA = process.env['RINGFENCE_TEST_PRISMA'] ?? ''

const SCHEMA = `
generator client {
  provider               = "prisma-client"
  output                 = "./client"
  runtime                = "nodejs"
  moduleFormat           = "esm"
  generatedFileExtension = "ts"
  importFileExtension    = "ts"
}
datasource db {
  provider = "postgresql"
  schemas  = ["words"]
}
model Word {
  tenantId String @default(dbgenerated()) @map("tenant_id") @db.Uuid
  id       Int
  text     String
  @@id([tenantId, id])
  @@map("word")
  @@schema("words")
}
`

interface Word {
  readonly id: number
  readonly text: string
}
/** The part of the generated client that is used here. */
interface Client {
  readonly word: {
    create(what: { data: Word }): Promise<Word>
    findMany(what?: object): Promise<readonly Word[]>
  }
  $transaction<T>(work: (transaction: Client) => Promise<T>): Promise<T>
  $queryRaw(text: TemplateStringsArray): Promise<readonly { readonly login: string }[]>
  $disconnect(): Promise<void>
}

let service: ServiceGround
let directory: string
let clientOn: (db: pg.ClientBase) => Client

before(async () => {
  service = await openServiceGround()
  directory = await mkdtemp(join(PRISMA, 'generated-'))
  const schema = join(directory, 'schema.prisma')
  await writeFile(schema, SCHEMA)
  const generate = join(PRISMA, 'node_modules', 'prisma', 'build', 'index.js')
  await promisify(execFile)(process.execPath, [generate, 'generate', '--schema', schema], {
    cwd: directory,
    env: {
      ...process.env,
      CHECKPOINT_DISABLE: '1',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      // Generating needs no schema engine: this keeps it from being downloaded.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    },
  })
  const load = (path: string): Promise<unknown> => import(pathToFileURL(path).href)
  const { PrismaClient } = (await load(join(directory, 'client', 'client.ts'))) as {
    PrismaClient: new (options: { adapter: unknown }) => Client
  }
  const adapter = join(PRISMA, 'node_modules', '@prisma', 'adapter-pg', 'dist', 'index.mjs')
  const { PrismaPg } = (await load(adapter)) as { PrismaPg: new (pool: pg.Pool) => unknown }
  clientOn = (db) => new PrismaClient({ adapter: new PrismaPg(poolOf(db)) })
})
after(async () => {
  await service?.close()
  if (directory !== undefined) await rm(directory, { recursive: true, force: true })
})

test('Prisma works in the tenant’s session: queries, and transactions that roll back', async () => {
  const { ringfence, harbor, northmere } = service
  for (const tenant of [harbor, northmere]) {
    await ringfence.withTenant(
      await service.context(tenant),
      async (db) => {
        const prisma = clientOn(db)
        await prisma.word.create({ data: { id: 1, text: tenant } })
        const failing = prisma.$transaction(async (transaction) => {
          await transaction.word.create({ data: { id: 2, text: 'undone' } })
          throw new RangeError('of the application')
        })
        await assert.rejects(failing, RangeError)
        const { rows } = await db.query<{ login: string }>('select session_user::text as login')
        assert.deepEqual(await prisma.$queryRaw`select session_user::text as login`, rows)
        await prisma.$disconnect()
      },
      { scope: 'write' },
    )
  }
  for (const tenant of [harbor, northmere]) {
    const words = await ringfence.withTenant(await service.context(tenant), (db) =>
      clientOn(db).word.findMany({ select: { id: true, text: true } }),
    )
    assert.deepEqual(words, [{ id: 1, text: tenant }])
  }
})

test('Prisma is refused what the scope does not allow, and keeps no session', async () => {
  const { ringfence, harbor } = service
  const context = await service.context(harbor)
  let kept: Client | undefined
  const writing = ringfence.withTenant(context, (db) => {
    kept = clientOn(db)
    return kept.word.create({ data: { id: 7, text: 'x' } })
  })
  await assert.rejects(writing, /permission denied/)
  assert.ok(kept !== undefined)
  await assert.rejects(kept.word.findMany(), /given back/)
})
