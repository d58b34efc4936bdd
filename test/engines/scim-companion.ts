import type { Companion } from './companions.ts'
import { pythonCompanion } from './python-companion.ts'

const VERSION = '0.5.2'

/** Python's scim2-tester. */
export function scimTester(): Promise<Companion> {
  return pythonCompanion({
    name: `scim2-tester ${VERSION}`,
    packages: [`scim2-tester[httpx2]==${VERSION}`],
    directory: `scim2-tester-${VERSION}`,
    imports: 'scim2_tester, httpx2',
    file: 'test/engines/scim-tester.engine.ts',
    variable: 'RINGFENCE_TEST_SCIM_PYTHON',
  })
}
