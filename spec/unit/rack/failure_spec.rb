# frozen_string_literal: true

require "kino/errors"
require "kino/rack/error_page"
require "kino/rack/failure"
require "stringio"

RSpec.describe Kino.const_get(:Failure) do
  let(:errors) { StringIO.new }
  let(:error) { ArgumentError.new("boom") }
  let(:native) { class_double("Kino::Native", log: true, log_lost: nil, panic_place: nil).as_stubbed_const }

  def broken = Object.new.tap { |io| io.define_singleton_method(:write) { |*| raise Errno::ENOSPC } }

  it "writes to the request's rack.errors, and to the server's where there is no request" do
    own = StringIO.new
    failure = described_class.new(errors)
    failure.log({ "rack.errors" => own, "REQUEST_METHOD" => "GET", "PATH_INFO" => "/a" }, error)
    failure.log(nil, error)

    expect(own.string).to match(%r{\Akino: an error in the app \(GET /a\): .*boom \(ArgumentError\)\n\z})
    expect(errors.string).to match(/\Akino: an error outside of any request: .*boom \(ArgumentError\)\n\z/)
  end

  it "tells of errors that resist it: their own causes, without a backtrace, or raising when asked" do
    round = Class.new(StandardError) { def cause = self and def backtrace = nil }
    raising = Class.new(StandardError) { def backtrace = raise("no backtrace") }
    nothing = Class.new(StandardError) do
      def message = raise("no message")
      def cause = raise("no cause")
      def class = raise("no class")
    end
    [[round.new("round"), /round/], [raising.new("raising"), /raising/], [nothing.new, /could not be described/]]
      .each do |odd, text|
      page = Kino.const_get(:ErrorPage).new(["127.0.0.1"])
      failure = described_class.new(errors, page: page)
      answer = failure.answer({ "REMOTE_ADDR" => "127.0.0.1" }, odd) { |other| raise other }
      expect(answer).to match([500, Hash, [text]])
    end
  end

  it "begins no line with what an error says, and sends no control characters" do
    error = RuntimeError.new("boom\nkino: all is well\e[31m\r\u009b")
    described_class.new(errors).log(nil, error)
    error.set_backtrace(["app.rb:1"])
    described_class.new(errors).log(nil, error)

    expect(errors.string.lines.grep(/^kino: /).size).to eq(2)
    expect(errors.string.scan('\tkino: all is well\e[31m\r'.sub('\t', "\t")).size).to eq(2)
    expect(errors.string).not_to match(/[[:cntrl:]&&[^\t\n]]/)
  end

  it "has standard error take what rack.errors does not" do
    native
    described_class.new(errors).log({ "rack.errors" => broken }, error)

    expect(native).to have_received(:log).with(/boom/)
    expect(native).not_to have_received(:log_lost)
  end

  it "counts what nobody takes, and raises nothing" do
    allow(native).to receive(:log).and_return(false)
    described_class.new(broken).log({ "rack.errors" => broken }, error)

    expect(native).to have_received(:log_lost).once
  end

  it "tells each hook of on_error, whatever the log does, as much as it takes" do
    native
    told = []
    hooks = [->(*given) { told << given.size }, -> { raise "no tracker" }, ->(error) { told << error.message }]
    described_class.new(errors, on_error: hooks).log({ "rack.errors" => broken }, error)

    expect(told).to eq([2, "boom"])
  end

  it "answers with the client's own fault, and else with the handler's answer or a plain one" do
    failure = described_class.new(errors, handler: ->(_, _, status) { [status, {}, ["handled"]] })
    expect(failure.answer({}, Kino::ClientTimeout.new("late")))
      .to match([408, hash_including("connection"), ["late\n"]])
    expect(failure.answer({}, error)).to eq([500, {}, ["handled"]])
    expect(failure.plain).to match([500, Hash, ["Internal Server Error\n"]])
  end

  it "gives what the handler raises to whoever asked, and answers all the same" do
    others = []
    failure = described_class.new(errors, handler: -> { raise "handler" })
    expect(failure.answer({}, error) { |other| others << other.message }).to match([500, Hash, Array])
    expect(others).to eq(["handler"])
  end
end

RSpec.describe Kino.const_get(:Description) do
  it "is UTF-8 that is valid, whatever path and message are written in" do
    ["\u{fc}", "\u{fc}".encode("UTF-16BE"), "\u{fc}".encode("ISO-8859-1"), "\xFF\u{fc}".b].each do |message|
      env = { "REQUEST_METHOD" => "GET".b, "PATH_INFO" => "/stra\u{df}e".b }
      text = described_class.report(env, RuntimeError.new(message))
      expect([text.encoding, text.valid_encoding?]).to eq([Encoding::UTF_8, true])
      expect(text).to include("(GET /stra\u{df}e)", "\u{fc}")
    end
  end

  it "tells the class and the place of an error that can't be told" do
    error = Class.new(StandardError) { def message = raise("no") }.tap { |one| stub_const("Unspeakable", one) }.new
    error.define_singleton_method(:full_message) { |**| raise "no" }
    error.set_backtrace(["app.rb:7:in `call'"])

    expect(described_class.of(error))
      .to eq("an error that could not be described (Unspeakable)\n\tfrom app.rb:7:in `call'\n")
  end

  it "says of a panic whose fault it is, and where" do
    class_double("Kino::Native", panic_place: "ext/kino/src/request.rs:1:2").as_stubbed_const
    panic = ObjectSpace.each_object(Class).find { |one| one.name == "fatal" }.allocate

    expect(described_class.report({ "REQUEST_METHOD" => "GET", "PATH_INFO" => "/" }, panic))
      .to start_with("kino: a fault of Kino's own, at ext/kino/src/request.rs:1:2; please report it (GET /): ")
  end
end
