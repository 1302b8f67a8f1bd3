from kyo_app.headers import content_security_policy


def test_each_inline_script_is_allowed_by_its_hash() -> None:
    policy = content_security_policy("<script>a</script><script src='x.js'></script><script>b</script>")
    assert (
        "'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='" in policy
    )  # printf a | openssl dgst -sha256 -binary | base64
    assert policy.count("sha256-") == 2


def test_a_page_without_inline_scripts_needs_none() -> None:
    assert "script-src 'self';" in content_security_policy("<html></html>")
