"""How an expectation is written down."""

from botocore.exceptions import ClientError


def refused(code, status, call, *arguments, message=None, **named):
    """The call must fail with exactly this code and status. HEAD has no body: there the status stands for the code."""
    try:
        call(*arguments, **named)
    except ClientError as error:
        found = error.response["Error"].get("Code")
        found_status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert (found, found_status) == (code, status), f"expected {code} ({status}), found {found} ({found_status}): {error}"
        assert message is None or message in str(error), f"expected '{message}' in: {error}"
        return error
    raise AssertionError(f"expected {code} ({status}), but it was done")


def answered(answer, code, status):
    """The answer to a request made by hand must be this refusal."""
    assert (answer.code, answer.status) == (code, status), f"expected {code} ({status}), found {answer.code} ({answer.status}): {answer.body[:300]}"
    return answer
