import type { PiiKind } from '../contracts/guardrail.ts'

/** What the name of a field says that is in it: `certain` of itself, or `likely` with a second sign. */
export interface Label {
  readonly certain: ReadonlySet<PiiKind>
  readonly likely: ReadonlySet<PiiKind>
}

export const NO_LABEL: Label = { certain: new Set(), likely: new Set() }

/** Of names in small letters, their parts parted by spaces. */
const CERTAIN: readonly (readonly [PiiKind, RegExp])[] = [
  ['ssn', /\b(?:ssn|social security|social sec|soc sec|sozialversicherung)/],
  ['card', /\b(?:card|cc|credit card|debit card|pan)(?: (?:number|num|no|nr))?$/],
  ['phone', /\b(?:phone|telephone|tel|mobile|cell|fax|whatsapp|handy|telefon|telefono|msisdn)\b/],
  [
    'mrn',
    /\b(?:mrn|medical record|chart (?:number|no|id)|hospital (?:number|no))\b|\bpatient (?:id|number|no|nr|identifier)$/,
  ],
  ['npi', /\b(?:npi|national provider)\b|\bprovider (?:id|number|no|identifier)$/],
  [
    'birth-date',
    /\b(?:dob|birth|birthdate|birthday|birthdate|born|geburtsdatum|geburtstag|geboren|naissance|nacimiento)\b/,
  ],
  [
    'name',
    /\b(?:first|last|middle|given|family|full|maiden|sur|patient|customer|contact|employee|guardian|beneficiary|holder|cardholder|account holder) ?names?$|^(?:firstname|lastname|surname|fullname|givenname|familyname|vorname|nachname|prenom|apellido)$/,
  ],
]
const LIKELY: readonly (readonly [PiiKind, RegExp])[] = [
  ['name', /\b(?:name|user|author|owner|patient|person|contact|doctor|customer)$/],
]

/** Longest name that is looked at, and how many are remembered. */
const LENGTH_MAX = 100
const KNOWN_MAX = 2_000
const known = new Map<string, Label>()

/** What a key of JSON or of a form says of its value. */
export function labelOf(key: string): Label {
  const remembered = known.get(key)
  if (remembered !== undefined) return remembered
  if (key.length > LENGTH_MAX) return NO_LABEL
  const words = key
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[^a-zA-Z0-9]+/g, ' ')
    .trim()
    .toLowerCase()
  const kinds = (table: typeof CERTAIN) =>
    new Set(table.flatMap(([kind, pattern]) => (pattern.test(words) ? [kind] : [])))
  const certain = kinds(CERTAIN)
  const likely = kinds(LIKELY)
  const label = certain.size + likely.size === 0 ? NO_LABEL : { certain, likely }
  // Callers choose keys: what is remembered of them is bounded.
  if (known.size >= KNOWN_MAX) known.clear()
  known.set(key, label)
  return label
}
