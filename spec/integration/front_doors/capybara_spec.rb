# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "Capybara.server = :kino" do
  include KinoProcess::Helpers

  # What is asked of a server that Capybara boots.
  let(:test) do
    <<~RUBY
      require "net/http"
      server = Capybara::Server.new(->(env) { [200, {}, [env["SERVER_SOFTWARE"]]] }).boot
      puts Net::HTTP.get(URI("http://\#{server.host}:\#{server.port}/"))
    RUBY
  end

  [%w[kino capybara], %w[capybara kino]].each do |libraries|
    it "serves tests, with #{libraries.first} required first" do
      process = start("-w", "-e", "#{libraries.map do |library|
                                       "require '#{library}'\n"
                                     end.join}Capybara.server = :kino\n#{test}",
                      env: { "PORT" => "1", "WEB_CONCURRENCY" => "x" })

      expect([process.status, process.out]).to match([0, %r{\AKino/[\d.]+\n\z}])
      expect(process.err.lines.grep(%r{lib/kino|^kino:})).to eq([])
    end
  end

  it "takes settings, and passes over what other servers take" do
    process = start("-rcapybara", "-rkino", "-e", "Capybara.server = :kino, { Silent: true, threads: 2 }\n#{test}")
    expect([process.status, process.out]).to match([0, %r{\AKino/}])

    process = start("-rcapybara", "-rkino", "-e", "Capybara.server = :kino, { treads: 2 }\n#{test}")
    expect(process.status).to eq(1)
    expect(process.err).to include("treads: there is no such setting; did you mean threads?")
  end

  it "takes what is said to Puma: threads, and the host; it is silent whether or not it is asked to be" do
    process = start("-rcapybara", "-rkino", "-e", <<~RUBY)
      Capybara.server = :kino, { Silent: false, Threads: "0:2", Host: "127.0.0.2", Verbose: true }
      Capybara.server_host = "0.0.0.0"
      barrier = Queue.new
      app = lambda do |env|
        env["PATH_INFO"] == "/second" ? barrier << :here : barrier.pop
        [200, {}, [env["SERVER_NAME"]]]
      end
      port = TCPServer.open("127.0.0.2", 0) { |free| free.addr[1] }
      server = Capybara::Server.new(app, port: port, host: "127.0.0.2").boot
      first = Thread.new { Net::HTTP.get(URI("http://127.0.0.2:\#{server.port}/first")) }
      puts Net::HTTP.get(URI("http://127.0.0.2:\#{server.port}/second")), first.value
    RUBY
    expect([process.status, process.out]).to eq([0, "127.0.0.2\n" * 2])

    process = start("-rcapybara", "-rkino", "-e", "Capybara.server = :kino, { Threads: 'many' }\n#{test}")
    expect([process.status, process.err]).to match([1, /threads: given "many"/])
  end

  it "serves a session, waits for what it has asked, and has it raise what the app has raised" do
    process = start("-I#{File.expand_path("../..", __dir__)}", "-rcapybara/dsl", "-rkino", "-e", <<~RUBY)
      require "support/net_http_driver"
      app = lambda do |env|
        case env["PATH_INFO"]
        when "/" then [200, { "content-type" => "text/html" }, ["<h1>Hello</h1><a href='/next'>Next</a>"]]
        when "/next" then [302, { "location" => "/end" }, []]
        when "/end" then [200, { "content-type" => "text/html" }, ["<h1>The end</h1>"]]
        else raise ArgumentError, "boom"
        end
      end
      Capybara.server = :kino
      Capybara.register_driver(:net_http) { NetHttpDriver.new }
      session = Capybara::Session.new(:net_http, app)
      session.visit("/")
      session.assert_text("Hello")
      session.click_link("Next")
      puts session.find("h1").text, session.current_path
      session.visit("/raise")
      puts session.driver.status_code
      begin
        session.reset!
      rescue ArgumentError => error
        puts error.message, error.cause.class
      end
      session.visit("/")
      puts session.find("h1").text
    RUBY

    expect([process.status, process.out])
      .to eq([0, "The end\n/end\n500\nboom\nCapybara::CapybaraError\nHello\n"])
    expect(process.err).to match(%r{\Akino: an error in the app \(GET /raise\): .*boom})
  end

  describe "where nobody names a server" do
    # A bundle of its own: that of these specs has Puma.
    def bundled(*gems, code)
      root = File.expand_path("../../..", __dir__)
      lines = ["capybara", *gems].map { |gem| "gem '#{gem}', require: false\n" }
      write("Gemfile", "source 'https://rubygems.org'\ngem 'kino', path: '#{root}'\n#{lines.join}")
      start("-rbundler/setup", "-rcapybara", "-rkino", "-e", code, env: { "BUNDLE_GEMFILE" => "#{folder}/Gemfile" })
    end

    # What Rails asks when its system tests are loaded, which would take Puma.
    let(:system_tests) do
      <<~RUBY
        require "rails"
        require "kino/railtie"
        require "action_dispatch/system_test_case"
        named = Capybara.server.equal?(Capybara.servers[:kino])
        print named, " "
      RUBY
    end

    it "is taken by Capybara, and by Rails' system tests, where there is no Puma" do
      process = bundled(test)
      expect([process.status, process.out]).to match([0, %r{\AKino/[\d.]+\n\z}])

      process = bundled("railties", "#{system_tests}#{test}")
      expect([process.status, process.out]).to match([0, %r{\Atrue Kino/[\d.]+\n\z}])
    end

    it "leaves Puma where it is, and whom somebody names" do
      process = bundled("puma", "rackup", test)
      expect([process.status, process.out]).to match([0, /^puma \d/])

      process = bundled("railties", "puma", "rackup", "#{system_tests}#{test}")
      expect([process.status, process.out]).to match([0, /\Afalse .*^puma \d/m])

      process = bundled("railties", "webrick", "rackup", "Capybara.server = :webrick\n#{system_tests}#{test}")
      expect([process.status, process.out]).to match([0, /\Afalse WEBrick/])
    end
  end

  it "is not mistaken for a class's own constant of that name" do
    process = start("-rkino", "-e", "class Hat; Capybara = :fur; end\np defined?(Capybara), Hat::Capybara")

    expect([process.status, process.out]).to eq([0, "nil\n:fur\n"])
  end

  it "leaves the other servers be" do
    process = start("-rkino", "-rcapybara", "-e", "p Capybara.servers.names.sort, Capybara.servers[:puma].class")

    expect([process.status, process.out]).to eq([0, "[:default, :kino, :puma, :webrick]\nProc\n"])
  end
end
