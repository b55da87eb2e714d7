# frozen_string_literal: true

require "kino/errors"
require "kino/rack/error_page"
require "tmpdir"

RSpec.describe Kino.const_get(:ErrorPage) do
  around { |example| Dir.mktmpdir("kino") { |folder| Dir.chdir(@folder = File.realpath(folder)) { example.run } } }

  let(:env) { { "REQUEST_METHOD" => "GET", "PATH_INFO" => "/", "REMOTE_ADDR" => "127.0.0.1" } }

  def text(error, **more) = described_class.new(["127.0.0.0/8"], **more).answer(env, error).last.first

  def raised(message = "boom", backtrace: [])
    RuntimeError.new(message).tap { |error| error.set_backtrace(backtrace) }
  end

  it "can be shared between ractors, and leaves what it was made of as it was" do
    gems = [+"/gems"]
    expect(Ractor.shareable?(described_class.new(["::1", "unix"], gems: gems))).to be(true)
    expect([gems, *gems].map(&:frozen?)).to eq([false, false])
  end

  it "shows the source of the app's own first place, not of a gem's" do
    File.write("app.rb", "one\ntwo\nthree\n")
    Dir.mkdir("gems")
    File.write("gems/gem.rb", "of a gem\n")
    error = raised(backtrace: ["#{@folder}/gems/gem.rb:1:in `x'", "app.rb:2:in `y'"])

    expect(text(error, gems: ["#{@folder}/gems"])).to include("\n  app.rb:2\n    1 | one\n  > 2 | two\n    3 | three\n")
    expect(text(raised(backtrace: ["gems/gem.rb:1"]), gems: ["#{@folder}/gems"])).to include("  > 1 | of a gem\n")
  end

  it "shows the source of a syntax error, which is in no backtrace" do
    File.write("app.rb", "class App\n  def\nend\n")
    begin
      load("#{@folder}/app.rb")
    rescue SyntaxError
      begin
        raise Kino::AppLoadError, "could not be loaded"
      rescue Kino::AppLoadError => error
        expect(text(error)).to match(/^Caused by SyntaxError: /).and match(/^\s+app\.rb:\d\n/)
          .and match(/^  > \d \| /)
      end
    end
  end

  it "does without a source that isn't there, is none, or is past its end" do
    Dir.mkdir("folder")
    File.write("short.rb", "one\n")
    File.write("long.rb", "x" * 1_048_577)
    places = ["gone.rb:1", "folder:1", "short.rb:9", "long.rb:1", "(eval):1", "nonsense", ":::", "short.rb:0", ""]
    places.each do |place|
      expect(text(raised(backtrace: [place]))).to include("\n\nRuntimeError: boom\n  #{place}\n\nGET /\n")
    end
  end

  it "tells of errors that resist being told, and of many causes" do
    odd = Class.new(StandardError) { def message = raise("no") and def backtrace = raise("no") and def cause = self }
    expect(text(odd.new)).to include(": an error that could not be described\n")
    nested = (1..30).inject(nil) do |cause, number|
      raise("number #{number}", cause: cause)
    rescue RuntimeError => error
      error
    end
    expect(text(nested).scan(/number \d+/)).to eq((21..30).map { |number| "number #{number}" }.reverse)
  end

  it "gives a terminal nothing to obey, and is UTF-8 that is valid" do
    shown = text(raised("a\e[2Jb\r\u{9b}c\xFFd".b, backtrace: ["a\eb.rb:1"]))
    expect([shown.encoding, shown.valid_encoding?]).to eq([Encoding::UTF_8, true])
    expect(shown).to include('a\e[2Jb\r').and include('a\eb.rb:1')
    expect(shown).not_to match(/[\e\r\u{9b}]/)
  end

  it "is for nobody whose address can't be known" do
    page = described_class.new(["0.0.0.0/0", "::/0"])
    [nil, "", "x", "1.2.3", "1.2.3.4.5", "fe80::1%eth0"].each do |address|
      expect(page.answer(env.merge("REMOTE_ADDR" => address), raised)).to be_nil
    end
    expect(page.answer(env.merge("REMOTE_ADDR" => "2001:db8::1"), raised)).to match([500, Hash, [String]])
  end

  it "is for nobody whom any proxy tells of, by whatever field it does" do
    page = described_class.new(["127.0.0.0/8"])
    fields = %w[FORWARDED_FOR REAL_IP CLIENT_IP CLUSTER_CLIENT_IP ORIGINAL_FORWARDED_FOR FORWARDED].map { "X_#{_1}" }
    fields += %w[CLIENT_IP CF_CONNECTING_IP TRUE_CLIENT_IP FLY_CLIENT_IP FASTLY_CLIENT_IP]
    asked = ->(name, value) { page.answer(env.merge("HTTP_#{name}" => value), raised) }
    expect(fields.reject { |name| asked.call(name, "203.0.113.7").nil? }).to eq([])
    expect(fields.select { |name| asked.call(name, "127.0.0.1").nil? }).to eq([])
    expect(asked.call("VIA", "1.1 cache")).to be_nil # names proxies, and no client
  end

  it "is for nobody who calls this machine by a name that a website may have" do
    page = described_class.new(["127.0.0.0/8"])
    shown = ->(name, host) { !page.answer(env.merge(name => host), raised).nil? }
    near = ["localhost", "localhost:9292", "LOCALHOST.:1", "web", "web:9292", "127.0.0.1:80", "[::1]:9292", "[::1]", "",
            "shop.localhost:3000", "my.shop.test", "shop.internal", "macbook.local", "10.1.2.3"]
    far = ["example.com", "example.com:9292", "localhost.example.com", "127.0.0.1.example.com:1", "a.test.example",
           "bad.cafe", "[bad.cafe]", "::1.example.com", "nottest.x", "xn--a.example.", "localhost\n.example.com"]
    %w[HTTP_HOST SERVER_NAME].each do |name|
      expect(near.reject { |host| shown.call(name, host) }).to eq([])
      expect(far.select { |host| shown.call(name, host) }).to eq([])
    end
  end

  describe "what it shows of a request" do
    def shown(**more) = described_class.const_get(:Secrets).new(false).shown(more.transform_keys(&:to_s))

    it "is no object of the app's, and no text that may be a body" do
      form = "rack.request.form_vars"
      expect(shown("rack.session": {}, "app.user": Object.new, "app.n": 1, "app.s": :s, [] => 1, form => "pin=1"))
        .to eq("rack.session" => "(Hash)", "app.user" => "(Object)", "app.n" => "1", "app.s" => ":s", form => "(text)",
               "[]" => "1")
    end

    it "hides what is called as secrets are, and nothing that only sounds alike" do
      secrets = described_class.const_get(:Secrets).new(false)
      hidden = %w[pwd db_pwd JWT my_jwt sig user[sig] x-sig sig2 api_key auth_token]
      seen = %w[signal design signed_in sigma page]
      expect((hidden + seen).select { |name| secrets.without("/?#{name}=x").end_with?("=[FILTERED]") }).to eq(hidden)
      expect(shown(HTTP_X_SIG: "1", HTTP_X_JWT_ASSERTION: "2", HTTP_X_DESIGN: "3"))
        .to eq("HTTP_X_SIG" => "[FILTERED]", "HTTP_X_JWT_ASSERTION" => "[FILTERED]", "HTTP_X_DESIGN" => "3")
    end

    it "hides parameters however they are written" do
      secrets = described_class.const_get(:Secrets).new(%w[iban])
      { "/?a=1" => "/?a=1", "/?user[password]=x&b" => "/?user[password]=[FILTERED]&b", "/?pass%77ord=x" =>
        "/?pass%77ord=[FILTERED]", "/?user%5Biban%5D=x;iban=y" => "/?user%5Biban%5D=[FILTERED];iban=[FILTERED]",
        "/?token=" => "/?token=[FILTERED]", "/token=x" => "/token=x", "/?iban2=x" => "/?iban2=x", "/?=x" => "/?=x" }
        .each { |given, kept| expect(secrets.without(given)).to eq(kept) }
      expect(secrets.without("token=1&a=2", whole: true)).to eq("token=[FILTERED]&a=2")
    end
  end
end
