import { US } from '../house/ground.ts'
import { instead, mutant, type OfficeMutant, worsePlane } from './office-mutant.ts'

/** States of a deployment that no call makes worse, and that an inspection tells. */
export const STATES: readonly OfficeMutant[] = [
  mutant('ca-short-secret', "A webhook's secret of a few bytes", [], {
    settings: (settings) => ({ ...settings, webhookSecrets: ['whsec_c2hvcnQ='] }),
  }),
  mutant('ca-no-grace', 'Tenants are erased without a grace period', [], {
    settings: (settings) => ({ ...settings, graceSeconds: 0 }),
  }),
  mutant('ca-no-second-person', 'One person is left who may approve', [], {
    ...worsePlane(({ operators }) => ({
      operators: instead(operators, {
        list: async () =>
          (await operators.list()).filter(({ scopes }) => !scopes.includes('approvals:write')),
      }),
    })),
    settings: (settings) => ({ ...settings, webhookSecrets: [] }),
  }),
  mutant(
    'ca-cell-elsewhere',
    'A cell stands in another region than the tenants in it',
    [],
    worsePlane(({ catalogue }) => ({
      catalogue: instead(catalogue, {
        cells: async () => (await catalogue.cells()).map((cell) => ({ ...cell, region: US })),
      }),
    })),
  ),
  mutant(
    'ca-cell-overfull',
    'A cell holds more tenants than it may',
    [],
    worsePlane(({ catalogue }) => ({
      catalogue: instead(catalogue, {
        cells: async () => (await catalogue.cells()).map((cell) => ({ ...cell, capacity: 0 })),
      }),
    })),
  ),
  mutant(
    'ca-active-without-place',
    'A tenant is active that has no place',
    [],
    worsePlane(({ tenants }) => ({
      tenants: instead(tenants, {
        list: async (filter, page) => {
          const { items, next } = await tenants.list(filter, page)
          return { items: items.map((one) => ({ ...one, cell: undefined })), next }
        },
      }),
    })),
  ),
]
