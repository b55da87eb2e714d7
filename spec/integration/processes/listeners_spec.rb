# frozen_string_literal: true

require "kino"
require "socket"
require "tmpdir"
require_relative "../../support/forked"

RSpec.describe "Listeners apart from an engine" do
  include Forked

  let(:native) { Kino.const_get(:Native) }
  let(:settings) { Kino::Configuration.new(mode: :threaded).to_h }

  around { |example| Dir.mktmpdir { |folder| (@folder = folder) && example.run } }

  def bound(*uris)
    listeners = native::Listeners.bind(uris)
    yield listeners
  ensure
    listeners&.close
  end

  def accepts?(port)
    TCPSocket.new("127.0.0.1", port).close
    true
  rescue Errno::ECONNREFUSED
    false
  end

  def inherit_in_another_program(listeners, owns_files, what)
    script = <<~RUBY
      require "kino"
      listeners = Kino.const_get(:Native)::Listeners.inherit(#{listeners.to_s.dump}, #{owns_files})
      #{what}
    RUBY
    given = listeners.descriptors.to_h { |number| [number, number] }
    IO.popen([RbConfig.ruby, "-I", "lib", "-e", script, { **given, err: %i[child out] }], &:read)
  end

  it "are the same in all processes, and stay open when an engine ends" do
    bound("tcp://127.0.0.1:0") do |listeners|
      2.times do
        engine = native::Engine.on(listeners, settings)
        expect([engine.port, engine.uris]).to eq([listeners.port, listeners.uris])
        engine.start
        engine.drain
        engine.stop
      end
      serve = lambda do |_|
        $stderr.reopen(File::NULL)
        native::Engine.on(listeners, settings).start
      end
      native.leave_listeners(true)
      forked(serve) do
        client = TCPSocket.new("127.0.0.1", listeners.port)
        client.write("GET / HTTP/1.1\r\n\r\n")
        expect(client.gets).to start_with("HTTP/1.1 400")
      end
      expect(accepts?(listeners.port)).to be(true)
      listeners.close
      expect(accepts?(listeners.port)).to be(false)
      expect { native::Engine.on(listeners, settings) }.to raise_error(ThreadError, "the listeners are closed")
    end
  end

  it "leave a unix socket's file to the process that has bound it" do
    path = "#{@folder}/a b.sock"
    bound("unix://#{path}") do |listeners|
      forked(->(_) { listeners.close }) { expect(File.socket?(path)).to be(true) }
      engine = native::Engine.on(listeners, settings)
      engine.start
      engine.stop
      expect(File.socket?(path)).to be(true)
      listeners.close
      expect(File.exist?(path)).to be(false)
    end
  end

  it "can be given to a program that is started, with their file or without" do
    path = "#{@folder}/a b.sock"
    bound("tcp://127.0.0.1:0?proxy=true", "unix://#{path}") do |listeners|
      expect(listeners.describe.join(" ")).to eq(listeners.to_s)
      told = inherit_in_another_program(listeners, false, "puts listeners.uris, listeners.to_s; listeners.close")
      expect(told.lines(chomp: true)).to eq([*listeners.uris, listeners.to_s])
      expect(File.socket?(path)).to be(true)
      expect(inherit_in_another_program(listeners, true, "listeners.close")).to eq("")
      expect(File.exist?(path)).to be(false)
    end
  end

  it "can give their files up" do
    path = "#{@folder}/a.sock"
    bound("unix://#{path}") do |listeners|
      listeners.own_files(false)
      listeners.close
      expect(File.socket?(path)).to be(true)
    end
  end

  it "are seen by programs that are started only when they are to" do
    bound("tcp://127.0.0.1:0") do |listeners|
      io = IO.for_fd(listeners.descriptors.first, autoclose: false)
      expect(io.close_on_exec?).to be(true)
      listeners.inheritable(true)
      expect(io.close_on_exec?).to be(false)
    end
  end

  it "are nothing but sockets that listen" do
    UNIXSocket.pair.each do |socket|
      described = "#{socket.fileno}=unix:///a"
      expect { native::Listeners.inherit(described, false) }
        .to raise_error(Kino::BindError, "can't take over #{described.dump}: it is a socket that doesn't listen")
      expect(socket.close).to be_nil
    end
    expect { native::Listeners.inherit("9999=unix:///a", false) }.to raise_error(Kino::BindError, /Bad file descriptor/)
    expect { native::Listeners.inherit("nonsense", false) }.to raise_error(Kino::BindError, /NUMBER=URI/)
  end
end
