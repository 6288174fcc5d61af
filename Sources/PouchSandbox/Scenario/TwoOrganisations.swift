extension SandboxScenario {
    /// The pattern with its two sides: org A with a repository and the roles generator and publisher, org B with an inbox, the
    /// key under which everything is sealed, and a reader.
    ///
    /// The policies are the least that the pattern needs: the generator can seal and not open, the publisher can open what
    /// lies in the repository and seal into the inbox, and neither can read the inbox. The publisher may ask the inbox for an
    /// object's metadata, which no key is needed for.
    package static var twoOrganisations: SandboxScenario {
        get throws(ScenarioProblem) { try SandboxScenario(json: Array(twoOrganisationsText.utf8)) }
    }

    private static let key = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"
    private static let generator = "arn:aws:iam::111111111111:role/generator"
    private static let publisher = "arn:aws:iam::111111111111:role/publisher"

    private static let twoOrganisationsText = """
        { "accounts": [ \(organisationA), \(organisationB) ] }
        """

    private static let organisationA = """
        { "id": "111111111111", "name": "org A",
          "users": [
            { "name": "edge", "profile": "edge", "policies": [ { "Version": "2012-10-17", "Statement": [
              { "Sid": "BecomeOneOfTheTwoRoles", "Effect": "Allow", "Action": "sts:AssumeRole",
                "Resource": ["\(generator)", "\(publisher)"] } ] } ] } ],
          "roles": [
            { "name": "generator", "trust": \(trust), "policies": [ \(generatorPolicy) ] },
            { "name": "publisher", "trust": \(trust), "policies": [ \(publisherPolicy) ] } ],
          "buckets": [
            { "name": "orga-repository", "region": "eu-west-1", "versioning": "Enabled", "policy": \(repositoryPolicy),
              "notifications": [ { "to": "arn:aws:sqs:eu-west-1:111111111111:pouch-events", "prefix": "acme/" } ] } ],
          "queues": [
            { "name": "pouch-events", "region": "eu-west-1", "deadLetters": { "queue": "pouch-dead", "after": 5 },
              "policy": \(queuePolicy) },
            { "name": "pouch-dead", "region": "eu-west-1" } ] }
        """

    private static let queuePolicy = """
        { "Version": "2012-10-17", "Statement": [
          { "Sid": "RepositoryTellsOfNewObjects", "Effect": "Allow", "Principal": { "Service": "s3.amazonaws.com" },
            "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:111111111111:pouch-events",
            "Condition": { "ArnEquals": { "aws:SourceArn": "arn:aws:s3:::orga-repository" },
                           "StringEquals": { "aws:SourceAccount": "111111111111" } } } ] }
        """

    private static let organisationB = """
        { "id": "222222222222", "name": "org B",
          "users": [ { "name": "reader", "profile": "reader-b", "policies": [ \(readerPolicy) ] } ],
          "keys": [
            { "id": "11112222-3333-4444-5555-666677778888", "region": "eu-west-1", "alias": "alias/inbox",
              "policy": \(keyPolicy) } ],
          "buckets": [
            { "name": "acme-inbox", "region": "eu-west-1", "versioning": "Enabled", "policy": \(inboxPolicy),
              "encryption": { "key": "\(key)" } } ] }
        """

    private static let trust = """
        { "Version": "2012-10-17", "Statement": [
          { "Sid": "EdgeServersOnly", "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "AWS": "arn:aws:iam::111111111111:user/edge" } } ] }
        """

    private static let generatorPolicy = """
        { "Version": "2012-10-17", "Statement": [
          { "Sid": "PutOnly", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::orga-repository/acme/*",
            "Condition": {
              "StringEquals": { "s3:x-amz-server-side-encryption": "aws:kms" },
              "ArnEquals": { "s3:x-amz-server-side-encryption-aws-kms-key-id": "\(key)" } } },
          { "Sid": "SealViaS3", "Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": "\(key)",
            "Condition": {
              "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com" },
              "StringLike": { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::orga-repository/acme/*" } } },
          { "Sid": "PreflightMayDescribe", "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "\(key)" },
          { "Sid": "TakeReceiptsIn", "Effect": "Allow", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::orga-repository/acme/.pouch-receipts/*" },
          { "Sid": "NeverRead", "Effect": "Deny", "NotResource": "arn:aws:s3:::orga-repository/acme/.pouch-receipts/*",
            "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"] } ] }
        """

    private static let publisherPolicy = """
        { "Version": "2012-10-17", "Statement": [
          { "Sid": "ReadRepository", "Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": "arn:aws:s3:::orga-repository/acme/*" },
          { "Sid": "TellMissingFromForbidden", "Effect": "Allow", "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::orga-repository", "Condition": { "StringLike": { "s3:prefix": "acme/*" } } },
          { "Sid": "TakeEvents", "Effect": "Allow", "Resource": "arn:aws:sqs:eu-west-1:111111111111:pouch-events",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"] },
          { "Sid": "LeaveReceipts", "Effect": "Allow", "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::orga-repository/acme/.pouch-receipts/*" },
          { "Sid": "WriteInbox", "Effect": "Allow", "Resource": "arn:aws:s3:::acme-inbox/from-orga/*",
            "Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            "Condition": { "StringEquals": { "s3:ResourceAccount": "222222222222" } } },
          { "Sid": "AskWhoseAnObjectIs", "Effect": "Allow", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::acme-inbox/from-orga/*" },
          { "Sid": "OnlyIfAclHeaderIsSent", "Effect": "Allow", "Action": "s3:PutObjectAcl",
            "Resource": "arn:aws:s3:::acme-inbox/from-orga/*" },
          { "Sid": "OpenRepositoryObjects", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "\(key)",
            "Condition": {
              "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com" },
              "StringLike": { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::orga-repository/acme/*" } } },
          { "Sid": "SealInboxObjects", "Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": "\(key)",
            "Condition": {
              "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com" },
              "StringLike": { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::acme-inbox/from-orga/*" } } },
          { "Sid": "PreflightMayDescribe", "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "\(key)" } ] }
        """

    private static let repositoryPolicy = """
        { "Version": "2012-10-17", "Statement": [
          { "Sid": "DenyInsecureTransport", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": ["arn:aws:s3:::orga-repository", "arn:aws:s3:::orga-repository/*"],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } } } ] }
        """

    private static let inboxPolicy = """
        { "Version": "2012-10-17", "Statement": [
          { "Sid": "DenyInsecureTransport", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": ["arn:aws:s3:::acme-inbox", "arn:aws:s3:::acme-inbox/*"],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } } },
          { "Sid": "OrgAPublisherDelivers", "Effect": "Allow", "Principal": { "AWS": "\(publisher)" },
            "Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            "Resource": "arn:aws:s3:::acme-inbox/from-orga/*" },
          { "Sid": "OrgAPublisherAsksWhoseAnObjectIs", "Effect": "Allow", "Principal": { "AWS": "\(publisher)" },
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-inbox/from-orga/*" },
          { "Sid": "OnlyIfAclHeaderIsSent", "Effect": "Allow", "Principal": { "AWS": "\(publisher)" },
            "Action": "s3:PutObjectAcl", "Resource": "arn:aws:s3:::acme-inbox/from-orga/*",
            "Condition": { "StringEquals": { "s3:x-amz-acl": "bucket-owner-full-control" } } },
          { "Sid": "RefuseOtherKeys", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::acme-inbox/*",
            "Condition": {
              "StringEquals": { "s3:x-amz-server-side-encryption": "aws:kms" },
              "ArnNotEquals": { "s3:x-amz-server-side-encryption-aws-kms-key-id": "\(key)" } } },
          { "Sid": "RefuseOtherEncryptionWhenNamed", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::acme-inbox/*",
            "Condition": {
              "StringNotEquals": { "s3:x-amz-server-side-encryption": "aws:kms" },
              "Null": { "s3:x-amz-server-side-encryption": "false" } } },
          { "Sid": "NoOverwriteByOrgA", "Effect": "Deny", "Principal": { "AWS": "\(publisher)" }, "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::acme-inbox/from-orga/*",
            "Condition": { "Null": { "s3:if-none-match": "true" }, "Bool": { "s3:ObjectCreationOperation": "true" } } } ] }
        """

    private static let readerPolicy = """
        { "Version": "2012-10-17", "Statement": [
          { "Sid": "ReadInbox", "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObject", "s3:DeleteObjectVersion"],
            "Resource": "arn:aws:s3:::acme-inbox/*" },
          { "Sid": "ListInbox", "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            "Resource": "arn:aws:s3:::acme-inbox" },
          { "Sid": "ListBuckets", "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*" },
          { "Sid": "OpenInboxObjects", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:DescribeKey"],
            "Resource": "\(key)" } ] }
        """

    private static let keyPolicy = """
        { "Version": "2012-10-17", "Statement": [
          { "Sid": "OrgBAdministersThroughIAM", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::222222222222:root" },
            "Action": "kms:*", "Resource": "*" },
          { "Sid": "OrgAGeneratorSealsIntoRepository", "Effect": "Allow", "Principal": { "AWS": "\(generator)" },
            "Action": "kms:GenerateDataKey", "Resource": "*",
            "Condition": {
              "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com", "kms:CallerAccount": "111111111111" },
              "StringLike": { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::orga-repository/acme/*" } } },
          { "Sid": "OrgAPublisherOpensRepository", "Effect": "Allow", "Principal": { "AWS": "\(publisher)" },
            "Action": "kms:Decrypt", "Resource": "*",
            "Condition": {
              "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com", "kms:CallerAccount": "111111111111" },
              "StringLike": { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::orga-repository/acme/*" } } },
          { "Sid": "OrgAPublisherSealsIntoInbox", "Effect": "Allow", "Principal": { "AWS": "\(publisher)" },
            "Action": "kms:GenerateDataKey", "Resource": "*",
            "Condition": {
              "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com", "kms:CallerAccount": "111111111111" },
              "StringLike": { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::acme-inbox/from-orga/*" } } },
          { "Sid": "PreflightMayDescribe", "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*",
            "Principal": { "AWS": ["\(generator)", "\(publisher)"] } } ] }
        """
}
