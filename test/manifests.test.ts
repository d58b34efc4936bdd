import assert from 'node:assert/strict'
import { test } from 'node:test'
import { upstreamRule } from '../src/contracts/upstream-rule.ts'
import { checkDeclared } from '../src/manifests/check-declared.ts'
import { manifestFiles } from '../src/manifests/manifest-files.ts'
import { ownerOf } from '../src/manifests/manifest.ts'
import { readManifests } from '../src/manifests/read-manifests.ts'
import { policyCompiler } from '../src/policy/policy-compiler.ts'

const EXAMPLES = new URL('../examples/manifests', import.meta.url).pathname

test('the examples are good by everybody who judges them: policies, upstreams, references', () => {
  const manifests = readManifests(manifestFiles(EXAMPLES)).map(({ manifest }) => manifest)
  for (const tenant of new Set(manifests.map(ownerOf))) {
    const kept = manifests
      .filter((manifest) => ownerOf(manifest) === tenant)
      .map((manifest) => ({ manifest, generation: 1 }))
    const { problems } = checkDeclared(tenant, kept, {
      platformUpstreams: new Set(['records']),
      platformContracts: new Set(['clinic-basic']),
      plans: new Set(['clinic-basic']),
      apisWithoutContract: undefined,
      policies: policyCompiler,
      upstreamRefusal: upstreamRule(),
    })
    assert.deepEqual(problems, [])
  }
})
