/** Files that a running platform keeps in its state directory for whoever operates it there. */

/** Where the control plane is. */
export const CONTROL_URL_FILE = 'control.url'
/** Where the records plane answers operators. */
export const RECORDS_URL_FILE = 'records.url'
/** The first operator's token. */
export const OPERATOR_TOKEN_FILE = 'operator.token'
