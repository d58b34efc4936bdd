# Runs scim2-tester, with scim2-client, against a SCIM server, and prints what it found: a line of JSON each.
# Arguments: the server's address. The token comes from the environment.
import json
import os
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

client = Client(
    base_url=sys.argv[1],
    headers={"authorization": f"Bearer {os.environ['SCIM_TOKEN']}"},
)
for result in check_server(SyncSCIMClient(client)):
    print(
        json.dumps(
            {
                "status": Status(result.status).name,
                "title": result.title,
                "about": result.resource_type,
                "reason": result.reason,
            }
        )
    )
