# frozen_string_literal: true

require "ipaddr"
require "kino/processes/warmup"

RSpec.describe Kino::Warmup do
  # Notes what it was asked, and gives that.
  let(:envs) { [] }
  let(:answer) { [200, {}, ["Hello"]] }
  let(:app) { ->(env) { envs << env && answer } }
  let(:warmup) { described_class.new(app) }

  # A body that tells what is done with it.
  let(:body_class) do
    Struct.new(:told, :fault) do
      def each
        yield "Hel"
        raise fault if fault

        yield "lo"
        told << :each
      end

      def close = told << :close
    end
  end

  it "sends a request through the app, and gives the status" do
    expect(warmup.get("/login?next=%2Fhome")).to eq(200)
    expect(envs.last).to include("REQUEST_METHOD" => "GET", "PATH_INFO" => "/login", "QUERY_STRING" => "next=%2Fhome")
  end

  it "sends what Rack says that a request has" do
    warmup.get("/")

    expect(envs.last.keys).to include("SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME", "rack.url_scheme", "rack.errors")
    expect(envs.last["SERVER_NAME"]).not_to be_empty
  end

  it "asks as a client of a site with TLS does, which an app that sends all others there answers" do
    warmup.get("/login")

    expect(envs.last).to include("HTTP_HOST" => "localhost", "rack.url_scheme" => "https", "HTTPS" => "on",
                                 "SERVER_PORT" => "443")
  end

  it "asks what it is given the whole URL of" do
    warmup.get("http://example.com:8080/login")

    expect(envs.last).to include("HTTP_HOST" => "example.com:8080", "rack.url_scheme" => "http",
                                 "PATH_INFO" => "/login", "SERVER_PORT" => "8080")
  end

  # Rails as far as it is asked: an app that takes these hosts.
  def rails(*hosts)
    configuration = Struct.new(:hosts).new(hosts)
    stub_const("Rails", Module.new { define_singleton_method(:application) { Struct.new(:config).new(configuration) } })
  end

  it "asks for the first of the hosts that Rails is to take" do
    rails(IPAddr.new("10.0.0.0/8"), /example/, ".example.com", "www.example.org")
    warmup.get("/")

    expect(envs.last).to include("HTTP_HOST" => "example.com", "SERVER_NAME" => "example.com")
  end

  it "asks for localhost where Rails takes any host" do
    rails
    warmup.get("/")

    expect(envs.last).to include("HTTP_HOST" => "localhost")
  end

  it "sends any method" do
    warmup.request("HEAD", "/login")

    expect(envs.last).to include("REQUEST_METHOD" => "HEAD", "PATH_INFO" => "/login")
  end

  it "sends header fields, as a client names them" do
    warmup.get("/", "Host" => "example.com", "accept-language" => "de", "Content-Type" => "text/plain")

    expect(envs.last).to include("HTTP_HOST" => "example.com", "HTTP_ACCEPT_LANGUAGE" => "de",
                                 "CONTENT_TYPE" => "text/plain")
    expect(envs.last.keys).not_to include("HTTP_CONTENT_TYPE")
  end

  it "sends a new env each time" do
    2.times { warmup.get("/") }

    expect(envs.first).not_to be(envs.last)
  end

  it "gives the status of an error as any other, and one that is a text as a number" do
    answer[0] = "404"

    expect(warmup.get("/nowhere")).to eq(404)
  end

  it "takes the whole body, and closes it" do
    answer[2] = body_class.new([])
    warmup.get("/")

    expect(answer[2].told).to eq(%i[each close])
  end

  it "calls no body that is a stream's: there is no client" do
    answer[2] = ->(_) { raise "called" }

    expect(warmup.get("/")).to eq(200)
  end

  it "raises what the app has raised" do
    expect { described_class.new(->(_) { raise "oops" }).get("/") }.to raise_error("oops")
  end

  it "raises what the body has raised, and closes it" do
    answer[2] = body_class.new([], "oops")

    expect { warmup.get("/") }.to raise_error("oops")
    expect(answer[2].told).to eq([:close])
  end

  describe ".run" do
    def run(*hooks) = described_class.run(app, Struct.new(:on_warmup).new(hooks))

    it "calls each hook of the configuration with one, in their order" do
      run(->(warmup) { warmup.get("/first") }, ->(warmup) { warmup.get("/second") })

      expect(envs.map { |env| env["PATH_INFO"] }).to eq(%w[/first /second])
    end

    it "has nothing to say where the app has served all" do
      expect(run(->(warmup) { warmup.get("/") })).to be_nil
    end

    it "says what was refused or sent elsewhere, so that nothing has been warmed up" do
      statuses = [200, 403, 301, 302]
      refusing = ->(env) { [env["PATH_INFO"].delete("/").to_i, {}, []] }
      hook = ->(warmup) { statuses.each { |status| warmup.get("/#{status}") } }
      warning = described_class.run(refusing, Struct.new(:on_warmup).new([hook]))

      expect(warning).to include("(GET /403 with 403, GET /301 with 301)").and include('"Host" => "example.com"')
    end

    it "asks the app nothing where there is none" do
      run

      expect(envs).to eq([])
    end

    it "raises what a hook has raised, and calls no other" do
      expect { run(->(_) { raise "oops" }, ->(warmup) { warmup.get("/") }) }.to raise_error("oops")
      expect(envs).to eq([])
    end
  end
end
