const TIME_BYTES = 8
const SIGNATURE_BYTES = 64

/** C2SP tlog-cosignature, Ed25519: what is signed. @param time seconds since the epoch */
export function cosignedText(time: number, note: string): string {
  return `cosignature/v1\ntime ${time}\n${note}`
}

export function encodeCosignature(time: number, signature: Uint8Array): Buffer {
  const head = Buffer.alloc(TIME_BYTES)
  head.writeBigUInt64BE(BigInt(time))
  return Buffer.concat([head, signature])
}

/** Undefined when it is not a `timestamped_signature`. */
export function decodeCosignature(
  bytes: Uint8Array,
): { readonly time: number; readonly signature: Uint8Array } | undefined {
  if (bytes.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined
  const time = Buffer.from(bytes.buffer, bytes.byteOffset, TIME_BYTES).readBigUInt64BE()
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  return { time: Number(time), signature: bytes.subarray(TIME_BYTES) }
}
