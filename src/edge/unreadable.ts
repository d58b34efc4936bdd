import type { Socket } from 'node:net'

const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/**
 * Answers what was no request, and ends its connection. Where an answer to an earlier request may be on
 * its way nothing is said: it would become a part of that answer.
 */
export function answerUnreadable(error: Error, socket: Socket): void {
  if (socket.writable && socket.bytesWritten === 0) {
    const status = STATUS['code' in error ? String(error.code) : ''] ?? '400 Bad Request'
    socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
  }
  socket.destroy()
}
