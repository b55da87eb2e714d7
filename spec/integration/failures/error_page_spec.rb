# frozen_string_literal: true

require "json"

RSpec.describe "The page of an error, in development" do
  each_mode do
    let(:app) do
      shareable do
        lambda do |env|
          case env["PATH_INFO"]
          when "/body" then return [200, {}, Bodies::Each.new { raise "in the body" }]
          when "/ok" then return [200, {}, ["ok"]]
          end
          begin
            Integer("<script>")
          rescue ArgumentError
            raise IndexError, "no <b>such</b> \"thing\" & that's it" # the line that is shown
          end
        end
      end
    end

    def fail_with(headers = {}, path: "/a?page=2&token=S3CRET", **settings)
      converse(app, environment: "development", lint: false, **settings) do |client, _, log|
        response = client.get(path, headers)
        log.wait_for(/IndexError|in the body/)
        expect(client.get("/ok").body).to eq("ok")
        response
      end
    end

    let(:plain) { [500, "text/plain; charset=utf-8", "Internal Server Error\n"] }

    def expect_plain(response)
      expect([response.status, response["content-type"], response.body]).to eq(plain)
    end

    it "is HTML for browsers: what was raised, why, where, with the source, and all of it escaped" do
      response = fail_with({ "accept" => "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" })

      expect([response.status, response["content-type"], response["cache-control"], response["vary"]])
        .to eq([500, "text/html; charset=utf-8", "no-store", "accept"])
      expect(response["content-security-policy"]).to eq("default-src 'none'; style-src 'unsafe-inline'")
      page = response.body.force_encoding(Encoding::UTF_8)
      expect(page).to include("<h1>IndexError</h1>", "no &lt;b&gt;such&lt;/b&gt; &quot;thing&quot; &amp; that&#39;s it",
                              "Caused by ArgumentError", "invalid value for Integer(): &quot;&lt;script&gt;&quot;",
                              "spec/integration/failures/error_page_spec.rb:17",
                              "<span class=\"at\">17              raise IndexError, &quot;no &lt;b&gt;such",
                              "GET /a?page=2&amp;token=[FILTERED]", "<th>REMOTE_ADDR</th><td>127.0.0.1</td>")
      expect(page).not_to match(/<script|<b>|S3CRET/)
    end

    it "is JSON for whoever asks for that" do
      response = fail_with({ "accept" => "application/json, text/plain, */*", "authorization" => "Bearer S3CRET",
                             "cookie" => "id=S3CRET", "x-api-key" => "S3CRET", "user-agent" => "caf\xE9 \"x\"".b,
                             "referer" => "http://x/?password=S3CRET&a=1" })

      expect([response.status, response["content-type"]]).to eq([500, "application/json; charset=utf-8"])
      expect(response.body).not_to include("S3CRET")
      told = JSON.parse(response.body)
      expect(told).to include("status" => 500, "error" => "Internal Server Error",
                              "request" => "GET /a?page=2&token=[FILTERED]")
      exception = told["exception"]
      expect(exception).to include("class" => "IndexError", "message" => "no <b>such</b> \"thing\" & that's it")
      expect(exception["backtrace"].first).to start_with("spec/integration/failures/error_page_spec.rb:17:in ")
      expect(exception["source"]).to include("line" => 17, "place" => "spec/integration/failures/error_page_spec.rb:17")
      expect(exception["source"]["lines"].keys).to eq(%w[12 13 14 15 16 17 18 19 20 21 22])
      expect(exception["source"]["lines"]["17"]).to end_with("# the line that is shown")
      expect(exception["cause"]).to include("class" => "ArgumentError", "cause" => nil)
      expect(told["env"]).to include(
        "HTTP_AUTHORIZATION" => "[FILTERED]", "HTTP_COOKIE" => "[FILTERED]", "HTTP_X_API_KEY" => "[FILTERED]",
        "HTTP_REFERER" => "http://x/?password=[FILTERED]&a=1", "QUERY_STRING" => "page=2&token=[FILTERED]",
        "REQUEST_METHOD" => "GET", "rack.url_scheme" => "http", "rack.run_once" => "false", "rack.errors" => "(IO)"
      )
      expect(told["env"]["HTTP_USER_AGENT"]).to start_with("caf").and end_with(" \"x\"")
    end

    it "is text for all others, such as curl" do
      [{}, { "accept" => "*/*" }, { "accept" => "text/plain, text/html;q=0.5" }, { "accept" => "image/png;q=x, ," },
       { "accept" => "text/html;q=0" }].each do |headers|
        response = fail_with(headers)
        expect([response.status, response["content-type"]]).to eq([500, "text/plain; charset=utf-8"])
        expect(response.body)
          .to start_with("Internal Server Error\n\nIndexError: no <b>such</b> \"thing\" & that's it\n  spec/")
          .and include("\n  > 17 |             raise IndexError", "\nCaused by ArgumentError: invalid value",
                       "GET /a?page=2&token=[FILTERED]\n")
      end
    end

    it "is there for a body that raises before any of it is sent" do
      expect(fail_with({ "accept" => "text/html" }, path: "/body").body)
        .to include("<h1>RuntimeError</h1>", "in the body")
    end

    it "is for those at this machine alone, whichever proxies have brought them" do
      [{ "x-forwarded-for" => "203.0.113.7" }, { "x-forwarded-for" => "127.0.0.1, 203.0.113.7" },
       { "x-forwarded-for" => "203.0.113.7, ::1" }, { "x-forwarded-for" => "unknown" }, { "x-forwarded-for" => "," },
       { "x-real-ip" => "203.0.113.7" }, { "forwarded" => "for=203.0.113.7;proto=http" },
       { "forwarded" => "for=127.0.0.1, for=\"[2001:db8::1]:80\"" }, { "forwarded" => "proto=http; for=_hidden" }]
        .each { |headers| expect_plain(fail_with(headers)) }
      [{ "x-forwarded-for" => "127.0.0.1, ::1" }, { "x-forwarded-for" => "127.0.0.9:1234" },
       { "forwarded" => "for=\"[::1]:80\";by=203.0.113.7" }, { "x-forwarded-for" => "::ffff:127.0.0.1" }]
        .each { |headers| expect(fail_with(headers).body).to include("IndexError") }
    end

    it "is for those alone who call it by a name that no website has, which could have their browsers read it" do
      [{ "host" => "rebound.example.com" }, { "host" => "localhost", "x-forwarded-host" => "rebound.example.com" }]
        .each { |headers| expect_plain(fail_with(headers)) }
      ["localhost", "127.0.0.1:1", "shop.test"].each do |host|
        expect(fail_with({ "host" => host }).body).to include("IndexError")
      end
    end

    it "is for whom the setting names" do
      expect_plain(fail_with(error_page: ["10.0.0.0/8"]))
      expect_plain(fail_with(error_page: false))
      both = ["10.0.0.0/8", "127.0.0.1"]
      expect(fail_with({ "x-forwarded-for" => "10.1.2.3" }, error_page: both).body).to include("IndexError")
      expect_plain(fail_with({ "x-forwarded-for" => "11.1.2.3" }, error_page: both))
    end

    it "is nobody's in any other environment, whatever the setting says" do
      %w[production test staging].each { |name| expect_plain(fail_with(environment: name, error_page: true)) }
    end

    it "leaves out what filter_query names, or all queries" do
      shown = fail_with({ "accept" => "application/json" }, filter_query: %w[page])
      expect(JSON.parse(shown.body)["request"]).to eq("GET /a?page=[FILTERED]&token=[FILTERED]")
      none = fail_with({ "accept" => "application/json", "referer" => "http://x/?q=1" }, filter_query: true)
      expect(JSON.parse(none.body)["request"]).to eq("GET /a?[FILTERED]")
      expect(JSON.parse(none.body)["env"]).to include("QUERY_STRING" => "[FILTERED]",
                                                      "HTTP_REFERER" => "http://x/?[FILTERED]")
    end

    it "is not asked for where lowlevel_error_handler has an answer" do
      handler = shareable { ->(_) { [503, {}, ["mine"]] } }
      expect(fail_with(lowlevel_error_handler: handler).body).to eq("mine")
      raising = shareable { ->(_) { raise "not mine" } }
      expect(fail_with(lowlevel_error_handler: raising).body).to include("IndexError")
    end
  end
end
