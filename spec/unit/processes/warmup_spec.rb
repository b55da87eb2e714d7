# frozen_string_literal: true

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
