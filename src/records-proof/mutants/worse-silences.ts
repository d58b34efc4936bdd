import { ownerOf } from '../../alerts/alert.ts'
import { inPlaceOf } from './in-place-of.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

/** Silences that are taken for somebody else's. */
export const WORSE_SILENCES: readonly RecordsMutant[] = [
  mutant(
    'rc-silence-of-rule',
    'A silence is of a rule, and not of whose alerts it is',
    ['rc-silence-others'],
    {
      alerts: (sound, { ground }) =>
        inPlaceOf(sound, {
          async silence(owner, asked) {
            const made = await sound.silence(owner, asked)
            for (const { tenant } of ground.parties) {
              if (ownerOf(tenant) !== owner) await sound.silence(ownerOf(tenant), asked)
            }
            return made
          },
        }),
    },
  ),
  mutant('rc-silence-by-id', 'Who knows the id of a silence may end it', ['rc-silence-ended'], {
    alerts: (sound, { ground }) =>
      inPlaceOf(sound, {
        async endSilence(_owner, id) {
          for (const { tenant } of ground.parties) await sound.endSilence(ownerOf(tenant), id)
        },
      }),
  }),
  mutant(
    'rc-silence-list-of-all',
    'Silences and alerts are listed without asking whose they are',
    ['rc-silence-listed'],
    {
      alerts: (sound, { ground }) => {
        const owners = ground.parties.map(({ tenant }) => ownerOf(tenant))
        return inPlaceOf(sound, {
          silences: () => owners.flatMap((owner) => sound.silences(owner)),
          firing: () => owners.flatMap((owner) => sound.firing(owner)),
        })
      },
    },
  ),
]
