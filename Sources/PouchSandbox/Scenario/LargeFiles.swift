import FoundationEssentials

/// What files above 5 GiB need besides the least that the pattern needs: S3 asks for `kms:Decrypt` to put parts together.
extension SandboxScenario {
    /// The two organisations, and a publisher who may put segments together in the inbox.
    package static var largeFiles: SandboxScenario {
        get throws {
            var scenario = try twoOrganisations
            try scenario.allowDecrypt(by: "publisher", of: "acme-inbox/from-orga/*")
            return scenario
        }
    }

    /// As `largeFiles`, and a generator who may send parts into the repository, and see what it left there.
    package static var multipartUploads: SandboxScenario {
        get throws {
            var scenario = try largeFiles
            try scenario.allowDecrypt(by: "generator", of: "orga-repository/acme/*")
            try scenario.allow(
                "generator",
                """
                [ { "Sid": "KeepOwnUploads", "Effect": "Allow", "Resource": "arn:aws:s3:::orga-repository/acme/*",
                    "Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"] },
                  { "Sid": "FindOwnUploads", "Effect": "Allow", "Resource": "arn:aws:s3:::orga-repository",
                    "Action": "s3:ListBucketMultipartUploads" } ]
                """)
            return scenario
        }
    }

    /// Both sides must say so: the role's own policy, and the key's.
    private mutating func allowDecrypt(by role: String, of objects: String) throws {
        let conditions = """
            { "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com" },
              "StringLike": { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::\(objects)" } }
            """
        try allow(
            role,
            """
            [ { "Sid": "PutPartsTogether", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
                "Condition": \(conditions) } ]
            """)
        let statements = try Self.statements(
            """
            [ { "Sid": "OrgAPutsPartsTogether", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
                "Principal": { "AWS": "arn:aws:iam::111111111111:role/\(role)" }, "Condition": \(conditions) } ]
            """)
        for account in accounts.indices {
            for key in accounts[account].keys.indices {
                let policy = accounts[account].keys[key].policy.document
                accounts[account].keys[key].policy = PolicySource(PolicyDocument(statements: policy.statements + statements))
            }
        }
    }

    private mutating func allow(_ role: String, _ statements: String) throws {
        let policy = PolicySource(PolicyDocument(statements: try Self.statements(statements)))
        for account in accounts.indices {
            for index in accounts[account].roles.indices where accounts[account].roles[index].name == role {
                accounts[account].roles[index].policies.append(policy)
            }
        }
    }

    private static func statements(_ json: String) throws -> [PolicyStatement] {
        try JSONDecoder().decode([PolicyStatement].self, from: Data(json.utf8))
    }
}
