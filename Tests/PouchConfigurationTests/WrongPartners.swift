extension WrongConfiguration {
    static let partners: [WrongConfiguration] = [
        WrongConfiguration(
            "an identity without a source",
            """
            identities: { store: { role: "arn:aws:iam::111111111111:role/store" } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            "agent.yaml:1:22: 'from' is missing in identities.store"),
        WrongConfiguration(
            "an identity with two sources",
            """
            identities: { store: { from: { profile: edge, environment: true } } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:30: from: expected one source of credentials, found profile and environment
            hint: write one of { profile: NAME }, { environment: true }, { file: PATH }, { roles-anywhere: … }, { web-identity: … }, { container: true }, { imds: true }, { process: [PROGRAM] }
            """),
        WrongConfiguration(
            "an identity with an empty source",
            """
            identities: { store: { from: {} } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:30: from: no source of credentials is named
            hint: write one of { profile: NAME }, { environment: true }, { file: PATH }, { roles-anywhere: … }, { web-identity: … }, { container: true }, { imds: true }, { process: [PROGRAM] }
            """),
        WrongConfiguration(
            "an identity whose source is a word",
            """
            identities: { store: { from: environment } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:30: from: expected a mapping, found 'environment'
            hint: write one of { profile: NAME }, { environment: true }, { file: PATH }, { roles-anywhere: … }, { web-identity: … }, { container: true }, { imds: true }, { process: [PROGRAM] }
            """),
        WrongConfiguration(
            "an identity from an environment that is not",
            """
            identities: { store: { from: { environment: false } } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:45: environment: expected true, found 'false'
            hint: write one of { profile: NAME }, { environment: true }, { file: PATH }, { roles-anywhere: … }, { web-identity: … }, { container: true }, { imds: true }, { process: [PROGRAM] }
            """),
        WrongConfiguration(
            "a Roles Anywhere source without its parts",
            """
            identities: { store: { from: { roles-anywhere: { certificate: pki/edge.pem, key: pki/edge.key } } } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:48: 'trust-anchor' is missing in identities.store.from.roles-anywhere
            agent.yaml:1:48: 'profile' is missing in identities.store.from.roles-anywhere
            agent.yaml:1:48: 'role' is missing in identities.store.from.roles-anywhere
            """),
        WrongConfiguration(
            "a profile of another region than the trust anchor",
            """
            identities:
              store:
                from:
                  roles-anywhere:
                    certificate: pki/edge.pem
                    key: pki/edge.key
                    role: arn:aws:iam::111111111111:role/store
                    trust-anchor: arn:aws:rolesanywhere:eu-west-1:111111111111:trust-anchor/11112222-3333-4444-5555-666677778888
                    profile: arn:aws:rolesanywhere:us-east-1:111111111111:profile/11112222-3333-4444-5555-666677778888
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:9:18: profile: the profile is of us-east-1, the trust anchor of eu-west-1
            hint: both are of the region in which the session is asked for
            """),
        WrongConfiguration(
            "a trust anchor that is a role",
            """
            identities:
              store:
                from:
                  roles-anywhere:
                    certificate: pki/edge.pem
                    key: pki/edge.key
                    role: arn:aws:iam::111111111111:role/store
                    trust-anchor: arn:aws:iam::111111111111:role/store
                    profile: arn:aws:rolesanywhere:us-east-1:111111111111:profile/11112222-3333-4444-5555-666677778888
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:8:23: trust-anchor: expected the ARN of a trust-anchor of Roles Anywhere, found 'arn:aws:iam::111111111111:role/store'
            hint: such as arn:aws:rolesanywhere:eu-west-1:111111111111:trust-anchor/11112222-3333-4444-5555-666677778888
            """),
        WrongConfiguration(
            "a container's source that is switched off",
            """
            identities: { store: { from: { container: no } } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            "agent.yaml:1:43: container: expected true or { uri: …, token-file: PATH }, found 'no'"),
        WrongConfiguration(
            "a credential process without a path",
            """
            identities: { store: { from: { process: [vault-aws, --json] } } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:42: process: expected the path of a program, found 'vault-aws'
            hint: no search path is used: write /usr/bin/vault-aws, or wherever it is
            """),
        WrongConfiguration(
            "a session policy and tags without a role",
            """
            identities: { store: { from: { imds: true }, session-policy: partner, tags: { site: edge-01 } } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:46: 'session-policy' belongs to a role, and there is none
            hint: add role: arn:aws:iam::…
            agent.yaml:1:71: 'tags' belongs to a role, and there is none
            hint: add role: arn:aws:iam::…
            """),
        WrongConfiguration(
            "a tag with what STS does not take",
            """
            identities: { store: { role: "arn:aws:iam::111111111111:role/store", from: { imds: true }, tags: { site: "edge#1" } } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:106: site: expected a tag of letters, digits, spaces or _.:/=+-@, found 'edge#1'
            hint: a key has 1 to 128 of them, a value at most 256
            """),
        WrongConfiguration(
            "a role whose account id is too short",
            """
            identities: { store: { role: "arn:aws:iam::1234:role/store", from: { profile: edge } } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:30: role: expected the ARN of a role, found 'arn:aws:iam::1234:role/store'
            hint: an account id has 12 digits, '1234' has not
            """),
        WrongConfiguration(
            "a role that is a name",
            """
            identities: { store: { role: store, from: { profile: edge } } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:30: role: expected the ARN of a role, found 'store'
            hint: such as arn:aws:iam::111111111111:role/generator
            """),
        WrongConfiguration(
            "settings of a role without a role",
            """
            identities: { store: { from: { profile: edge }, session-name: pouch, duration: 1h } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:49: 'session-name' belongs to a role, and there is none
            hint: add role: arn:aws:iam::…
            agent.yaml:1:70: 'duration' belongs to a role, and there is none
            hint: add role: arn:aws:iam::…
            """),
        WrongConfiguration(
            "a session that is too short",
            """
            identities: { store: { role: "arn:aws:iam::111111111111:role/store", duration: 5m, from: { profile: edge } } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            "agent.yaml:1:80: duration: expected 15m to 12h, found '5m'"),
        WrongConfiguration(
            "a session name with a slash",
            """
            identities: { store: { role: "arn:aws:iam::111111111111:role/store", session-name: a/b, from: { profile: edge } } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            "agent.yaml:1:84: session-name: expected 2 to 64 letters, digits or _+=,.@-, found 'a/b'"),
        WrongConfiguration(
            "a secret access key",
            """
            identities: { store: { from: { profile: edge }, secret-access-key: hunter2 } }
            partners: { acme: { deliver: { with: local, as: store } } }
            """,
            """
            agent.yaml:1:49: 'secret-access-key' must not stand in this file
            hint: put the secret into a file that only the agent can read, and give the path of that file
            """),
        WrongConfiguration(
            "a password for an adapter",
            "partners: { acme: { deliver: { with: sftp, host: far, password: hunter2 } } }",
            """
            agent.yaml:1:55: 'password' must not stand in this file
            hint: put the secret into a file that only the agent can read, and give the path of that file
            """),
        WrongConfiguration(
            "a private key",
            """
            partners:
              acme:
                deliver:
                  with: sftp
                  private-key: |
                    -----BEGIN OPENSSH PRIVATE KEY-----
                    hunter2
            """,
            """
            agent.yaml:5:20: a private key must not stand in this file
            hint: put the secret into a file that only the agent can read, and give the path of that file
            """),
        WrongConfiguration(
            "an identity that nobody uses",
            "identities: { store: { from: { profile: edge } } }",
            "agent.yaml:1:15: warning: no partner uses the identity 'store'"),
        WrongConfiguration(
            "a partner's name in capitals",
            """
            partners: { Acme: { deliver: { with: local } } }
            routes: [{ name: all, to: acme }]
            """,
            """
            agent.yaml:1:13: expected a lower-case letter, then at most 62 lower-case letters, digits or dashes, found 'Acme'
            agent.yaml:1:13: warning: no route delivers to 'Acme'
            agent.yaml:2:27: there is no partner 'acme'
            hint: did you mean 'Acme'?
            """),
        WrongConfiguration(
            "a partner without a destination",
            "partners: { acme: { limits: { at-once: 1 } } }",
            "agent.yaml:1:19: 'deliver' is missing in partners.acme"),
        WrongConfiguration(
            "a partner with a misspelt destination",
            "partners: { acme: { delivr: { with: local } } }",
            """
            agent.yaml:1:21: unknown key 'delivr'
            hint: did you mean 'deliver'?
            """),
        WrongConfiguration(
            "a destination without an adapter",
            "partners: { acme: { deliver: { path: /srv/inbox } } }",
            "agent.yaml:1:30: 'with' is missing in partners.acme.deliver"),
        WrongConfiguration(
            "a destination that is a word",
            "partners: { acme: { deliver: local } }",
            """
            agent.yaml:1:30: deliver: expected a mapping, found 'local'
            hint: write { with: ADAPTER, … }
            """),
        WrongConfiguration(
            "an adapter's name with a space",
            "partners: { acme: { deliver: { with: local folder } } }",
            "agent.yaml:1:38: with: expected a lower-case letter, then at most 62 lower-case letters, digits or dashes, found 'local folder'"
        ),
        WrongConfiguration(
            "a seal to nobody",
            "partners: { acme: { seal: { suffix: .cms }, deliver: { with: local } } }",
            "agent.yaml:1:27: 'to' is missing in partners.acme.seal"),
        WrongConfiguration(
            "a seal to an empty list",
            "partners: { acme: { seal: { to: [] }, deliver: { with: local } } }",
            "agent.yaml:1:33: to: expected at least one, found none"),
        WrongConfiguration(
            "a seal to one certificate twice",
            "partners: { acme: { seal: { to: [a.pem, ./a.pem, a.pem] }, deliver: { with: local } } }",
            "agent.yaml:1:50: to: '/nowhere/pouch/a.pem' is in the list already"),
        WrongConfiguration(
            "a suffix that is none",
            "partners: { acme: { seal: { to: a.pem, suffix: cms }, deliver: { with: local } } }",
            """
            agent.yaml:1:48: suffix: 'cms' is no suffix of a name
            hint: a dot and then letters or digits, as in .cms
            """),
        WrongConfiguration(
            "a limit that is no number",
            "partners: { acme: { deliver: { with: local }, limits: { at-once: many } } }",
            "agent.yaml:1:66: at-once: expected a whole number, found 'many'"),
        WrongConfiguration(
            "a limit in quotes",
            #"partners: { acme: { deliver: { with: local }, limits: { at-once: "8" } } }"#,
            """
            agent.yaml:1:66: at-once: expected a whole number, found '8'
            hint: remove the quotes
            """),
        WrongConfiguration(
            "a limit of nothing",
            "partners: { acme: { deliver: { with: local }, limits: { at-once: 0 } } }",
            "agent.yaml:1:66: at-once: expected 1 to 256, found '0'"),
        WrongConfiguration(
            "a limit beyond any number",
            "partners: { acme: { deliver: { with: local }, limits: { at-once: 99999999999999999999 } } }",
            "agent.yaml:1:66: at-once: expected a whole number from -9223372036854775808 to 9223372036854775807, found '99999999999999999999'"
        ),
        WrongConfiguration(
            "a bandwidth that is a size",
            "partners: { acme: { deliver: { with: local }, limits: { bandwidth: 20 MB } } }",
            """
            agent.yaml:1:68: bandwidth: expected a rate such as 20 MB/s, found '20 MB'
            hint: a rate is a size followed by /s
            """),
        WrongConfiguration(
            "a bandwidth in an unknown unit",
            "partners: { acme: { deliver: { with: local }, limits: { bandwidth: 20 mb/s } } }",
            """
            agent.yaml:1:68: bandwidth: expected a rate such as 20 MB/s, found '20 mb/s'
            hint: write MB (units of 1000) or MiB (units of 1024)
            """),
        WrongConfiguration(
            "a bandwidth of nothing",
            "partners: { acme: { deliver: { with: local }, limits: { bandwidth: 0 MB/s } } }",
            """
            agent.yaml:1:68: bandwidth: expected a rate such as 20 MB/s, found '0 MB/s'
            hint: hold the partner instead, if nothing is to be sent
            """),
        WrongConfiguration(
            "a partner that no route delivers to",
            """
            partners:
              acme: { deliver: { with: local } }
              globex: { deliver: { with: local } }
            """,
            "agent.yaml:3:3: warning: no route delivers to 'globex'"),
        WrongConfiguration(
            "partners in a list",
            "partners: [acme]",
            "agent.yaml:1:11: partners: expected a mapping from names to settings, found a list"),
    ]
}
