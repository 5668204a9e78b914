"""``flask doctor``: what is wrong with the portal's settings, its apps, and the proxy before them.

- ``own``: the settings, the database and the apps, looked at from inside.
- ``proxy``: an app's address, asked from outside through the operator's own proxy, with lies.
- ``portal``: the portal's own address, asked from outside.
- ``probes``: the tokens that such requests carry, and what the portal tells the doctor of them.
- ``wire``, ``standin``: the HTTP on both ends; ``findings``: the words, and what mends it.
"""
