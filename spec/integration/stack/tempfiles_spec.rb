# frozen_string_literal: true

require "rack/multipart"
require "rack/request"
require "rack/tempfile_reaper"
require "tempfile"

RSpec.describe "The files of a multipart form" do
  # Two of them, and a field.
  parts = %w[a b].map do |name|
    "--mark\r\ncontent-disposition: form-data; name=\"#{name}\"; filename=\"#{name}.txt\"\r\n" \
      "content-type: text/plain\r\n\r\n#{"file #{name} " * 10_000}\r\n"
  end
  form = "#{parts.join}--mark\r\ncontent-disposition: form-data; name=\"c\"\r\n\r\nfield\r\n--mark--\r\n"
  message = RawClient.message("POST", "/", { "content-type" => "multipart/form-data; boundary=mark" }, form)

  each_mode do
    before do
      only_in :threaded, "Rack::Request and its parsers use tables of Rack's that can't be shared"
      not_of_processes "the app tells it in this process's memory"
    end

    # Every file that was made, kept so that none is gone only because it was collected.
    let(:made) { [] }
    let(:factory) { ->(filename, type) { Tempfile.new([type.tr("/", "-"), filename]).tap { |file| made << file } } }

    # Hands the env what Rack's multipart parser looks for there.
    def prepared(app, **settings)
      lambda do |env|
        settings.each { |name, value| env["rack.multipart.#{name}"] = value }
        app.call(env)
      end
    end

    # Has the files reaped of the app that is the block, given its params.
    def reaped(&app)
      prepared(Rack::TempfileReaper.new(->(env) { app.call(Rack::Request.new(env).params) }),
               tempfile_factory: factory)
    end

    define_method(:upload) { |client| client.write(message).read_response }

    it "are made by the factory that a middleware has set" do
      answer = reaped { |params| [200, {}, %w[a b].map { |name| "#{File.basename(params[name][:tempfile].path)}\n" }] }
      converse(answer) do |client|
        expect(upload(client).body).to match(/\Atext-plain.+a\.txt\ntext-plain.+b\.txt\n\z/)
        expect(made.size).to eq(2)
      end
    end

    it "are there while the app and its body run, and gone after the answer" do
      seen = Queue.new
      app = reaped do |params|
        [200, {}, Enumerator.new do |out|
          %w[a b].each { |name| out << File.read(params[name][:tempfile].path) }
          seen << made.map { |file| File.exist?(file.path) }
        end]
      end
      converse(app) do |client|
        2.times do
          expect(upload(client).body).to eq("file a " * 10_000 + "file b " * 10_000)
          expect(take(seen)).to all(be(true))
          eventually("the files are gone") { made.all? { |file| file.path.nil? } }
          made.clear
        end
      end
    end

    it "are gone after an answer whose body was an Array" do
      paths = Queue.new
      app = reaped do
        made.each { |file| paths << file.path }
        [200, {}, ["thanks"]]
      end
      converse(app) do |client|
        expect(upload(client).body).to eq("thanks")
        expect(Array.new(2) { take(paths) }).to all(satisfy { |path| eventually("it's gone") { !File.exist?(path) } })
      end
    end

    it "are gone when the app raises" do
      converse(reaped { raise "no, thanks" }) do |client, _, log|
        expect(upload(client).status).to eq(500)
        log.wait_for(/no, thanks/)
        expect(made.map(&:path)).to eq([nil, nil])
      end
    end

    it "are gone when the body raises, and when the client leaves in the middle of it" do
      go_on = Queue.new
      app = reaped do
        [200, {}, Enumerator.new do |out|
          out << "part"
          go_on.pop == :raise ? raise("no more") : loop { out << "part" * 10_000 }
        end]
      end
      serve(app) do |server, log|
        log.allow
        %i[raise loop].each do |what|
          client = RawClient.open(server.url).write(message)
          client.read_head
          client.abort if what == :loop
          go_on << what
          eventually("the files are gone") { made.size == 2 && made.all? { |file| file.path.nil? } }
          client.close unless client.socket.closed?
          made.clear
        end
      end
    end

    it "are read as many bytes at a time as a middleware has set" do
      sizes = []
      app = lambda do |env|
        input = env["rack.input"]
        reader = Object.new
        reader.define_singleton_method(:read) do |length, *buffer|
          sizes << length
          input.read(length, *buffer)
        end
        params = Rack::Request.new(env.merge("rack.input" => reader)).params
        [200, {}, [params["a"][:tempfile].read, params["b"][:tempfile].read, params["c"]]]
      end
      converse(prepared(app, buffer_size: 10_000)) do |client|
        expect(upload(client).body).to eq("file a " * 10_000 + "file b " * 10_000 + "field")
        expect(sizes[0..-2]).to eq([10_000] * (form.bytesize / 10_000))
      end
    end
  end
end
