import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostOfTools, toolsUrl } from './tools-url.ts'

test('the tools of a host are known by their URL, in one spelling', () => {
  assert.equal(hostOfTools(toolsUrl('https', 'API.acme.example')), 'api.acme.example')
  assert.equal(hostOfTools(toolsUrl('http', '127.0.0.1:8080')), '127.0.0.1')
  for (const other of [
    'https://api.acme.example/',
    'https://api.acme.example/mcp/',
    'https://api.acme.example/mcp?x=1',
    'https://api.acme.example/mcp#x',
    'https://API.acme.example/mcp',
    'https://api.acme.example:443/mcp',
    'https://somebody@api.acme.example/mcp',
    'https://api.acme.example/x/../mcp',
    'https://api.acme.example/t/acme/mcp',
    'ftp://api.acme.example/mcp',
    'api.acme.example/mcp',
    '',
  ]) {
    assert.equal(hostOfTools(other), undefined, other)
  }
})
