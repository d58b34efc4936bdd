import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from '../../src/platform/ports.ts'

export interface DistributionProxy {
  readonly name: string
  readonly url: string
  readonly process: ChildProcess
}

const FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/bin', '/usr/local/bin']

/** nginx and HAProxy as this machine has them, one process with one thread each; or none. */
export async function distributionProxies(
  upstream: string,
  directory: string,
): Promise<readonly DistributionProxy[]> {
  const { host } = new URL(upstream)
  const started: DistributionProxy[] = []
  for (const { name, config, args } of PROXIES) {
    const binary = FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path))
    if (binary === undefined) continue
    const home = join(directory, name)
    await mkdir(join(home, 'temporary'), { recursive: true })
    const file = join(home, 'config')
    const port = await freePort('127.0.0.1')
    await writeFile(file, config(host, port, home))
    const child = spawn(binary, args(file, home), { stdio: ['ignore', 'ignore', 'inherit'] })
    await accepts(port)
    started.push({ name, url: `http://127.0.0.1:${port}`, process: child })
  }
  return started
}

interface Recipe {
  readonly name: string
  readonly config: (upstream: string, port: number, home: string) => string
  readonly args: (file: string, home: string) => readonly string[]
}

const PROXIES: readonly Recipe[] = [
  {
    name: 'nginx',
    args: (file, home) => ['-p', home, '-e', join(home, 'error'), '-c', file],
    config: (upstream, port, home) => `
daemon off; master_process off; worker_processes 1;
pid ${home}/pid; error_log ${home}/error crit;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path ${home}/temporary; proxy_temp_path ${home}/temporary;
  fastcgi_temp_path ${home}/temporary; uwsgi_temp_path ${home}/temporary; scgi_temp_path ${home}/temporary;
  keepalive_requests 1000000000; keepalive_timeout 600s;
  upstream service { server ${upstream}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  },
  {
    name: 'haproxy',
    args: (file) => ['-f', file],
    config: (upstream, port) => `
global
  nbthread 1
  maxconn 2048
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  http-reuse always
frontend door
  bind 127.0.0.1:${port}
  default_backend service
backend service
  server one ${upstream}
`,
  },
]

async function accepts(port: number): Promise<void> {
  for (const end = Date.now() + 10_000; ; ) {
    const up = await new Promise<boolean>((resolve) => {
      const probe = connect(port, '127.0.0.1', () => resolve(true))
      probe.on('error', () => resolve(false))
      probe.on('connect', () => probe.destroy())
    })
    if (up) return
    if (Date.now() > end) throw new Error(`nothing listens on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
