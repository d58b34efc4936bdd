import { RingfenceError } from '../../core/errors.ts'

const NAME_MAX = 200
/**
 * What looks like nothing or like a plain space: controls, format characters, private and unassigned
 * ones, fillers and selectors, and every space but the plain one.
 */
const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}]|(?! )[\p{Z}\s]/u
const LOOSE_SPACE = /^ | $| {2}/
/** RFC 5321 in ASCII. Letters of other scripts would let one address look like another. */
const EMAIL =
  /^(?=.{3,254}$)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/i
const LOCAL_PART_MAX = 64

/** The form in which text that people read is compared. */
export const foldText = (value: string) => value.normalize('NFKC').toLowerCase().normalize('NFKC')

/**
 * The form in which names are compared: NFKC and lower case, so that a full-width or a ligature
 * spelling of a name is that name. Letters that merely look alike in two scripts stay apart.
 * @throws RingfenceError `invalid_argument` for nothing, more than 200 characters, or characters that
 *   cannot be seen
 */
export function foldName(name: string): string {
  const folded = foldText(name)
  for (const form of [name, folded]) {
    if (form === '' || form.length > NAME_MAX || UNSEEN.test(form) || LOOSE_SPACE.test(form)) {
      throw new RingfenceError(
        'invalid_argument',
        'a name has 1 to 200 characters that can be seen, and single plain spaces only inside',
      )
    }
  }
  return folded
}

/** The same, without an error: undefined for what can be nobody's name. */
export function foldedOrNothing(name: string): string | undefined {
  try {
    return foldName(name)
  } catch {
    return undefined
  }
}

/**
 * The form in which addresses are compared.
 * @throws RingfenceError `invalid_argument` for what is not an address in ASCII
 */
export function foldEmail(email: string): string {
  const at = email.lastIndexOf('@')
  if (!EMAIL.test(email) || at > LOCAL_PART_MAX) {
    throw new RingfenceError('invalid_argument', 'an e-mail address is like name@example.com')
  }
  return email.toLowerCase()
}
