# frozen_string_literal: true

require "fileutils"
require "json"
require "support/kino_process"

RSpec.describe "kino --reload" do
  include KinoProcess::Helpers

  let(:app) { <<~RUBY }
    require_relative "version"
    run(lambda do |env|
      case env["PATH_INFO"]
      when "/wait"
        File.write("tmp/waits", "")
        sleep 0.01 until File.exist?("tmp/go_on")
      when "/pid" then next [200, {}, [Process.pid.to_s]]
      when "/env" then next [200, {}, [Marshal.dump(env.select { |_, value| value.is_a?(String) })]]
      when "/echo" then next [200, { "x-two" => %w[a b] }, [env["REQUEST_METHOD"], env["rack.input"].read]]
      when "/stream" then next [200, {}, Enumerator.new { |parts| 3.times { |n| parts << "\#{VERSION}.\#{n} " } }]
      when "/broken" then next [200, {}, Enumerator.new { |parts| parts << "begun" and raise "out of order" }]
      when "/raise" then raise "out of order"
      end
      [200, { "content-type" => "text/plain" }, [VERSION.to_s]]
    end)
  RUBY

  def version(number) = write("version.rb", "VERSION = #{number}\n")

  # Where what is no code lies; temporary files, too.
  before { Dir.mkdir("#{folder}/tmp") }

  def start_server(*flags, env: {})
    write("config.ru", app)
    version(1)
    start_reloading(*flags, env: env)
  end

  def start_reloading(*flags, env: {})
    @server = kino("--reload", "-b", "tcp://127.0.0.1:0", *flags, env: { "TMPDIR" => "#{folder}/tmp", **env })
    @server.url
  end

  # A connection that is kept by the process that serves the code as it is; the one before ends its own.
  def keep
    is_kept = false
    until is_kept
      RawClient.open(@server.url) do |client|
        is_kept = client.get("/")["connection"] != "close"
        yield client if is_kept
      end
    end
  end

  # A request that waits in the app until it may go on.
  def wait_in_app
    thread = Thread.new { get("/wait").body }
    thread.report_on_exception = false
    thread.tap { eventually("it waits") { File.exist?("#{folder}/tmp/waits") } }
  end

  def go_on = File.write("#{folder}/tmp/go_on", "")

  def get(path = "/", headers = {}) = @server.get(path, headers)

  def stop
    expect(@server.signal(:TERM).status).to eq(0)
    expect(Dir.glob("#{folder}/tmp/kino-reload*")).to eq([])
  end

  it "serves the next request with the code as it is then, on kept connections and new ones, again and again" do
    start_server
    RawClient.open(@server.url) do |client|
      expect(client.get("/").body).to eq("1")
      version(2)
      expect(client.get("/").body).to eq("2")
    end
    (3..6).each do |number|
      version(number)
      expect([get.body, get.body]).to eq([number.to_s] * 2)
    end
    expect(@server.out.scan(/^Reloading: version\.rb$/).size).to be >= 5
    stop
    expect(@server.err).to eq("")
  end

  it "notices without a request, new files and files that are gone, and nothing that is no code" do
    start_server
    pid = get("/pid").body
    %w[notes.txt data.json tmp/x.rb .hidden.rb.swp node_modules/a/b.rb].each { |path| write_deep(path, "x") }
    expect(get("/pid").body).to eq(pid)
    write("views/new.erb", "<p>new</p>")
    @server.wait_for(%r{^Reloading: views/new\.erb$})
    another = get("/pid").body
    expect(another).not_to eq(pid)
    File.delete("#{folder}/views/new.erb")
    @server.wait_for(%r{(^Reloading: views/new\.erb\n(.*\n)*){2}})
    expect(get("/pid").body).not_to eq(another)
    stop
  end

  it "looks at what the app has loaded from elsewhere, too" do
    Dir.mktmpdir do |other|
      other = File.realpath(other)
      File.write("#{other}/far.rb", "FAR = 1\n")
      write("config.ru", "require \"#{other}/far\"\nrun ->(_) { [200, {}, [FAR.to_s]] }")
      start_reloading
      expect(get.body).to eq("1")
      File.write("#{other}/far.rb", "FAR = 22\n")
      expect(get.body).to eq("22")
    end
  end

  it "lets requests finish with the code that they began with, however long they take" do
    start_server
    pid = get("/pid").body.to_i
    waiting = wait_in_app
    [2, 3].each do |number|
      version(number)
      expect(get.body).to eq(number.to_s)
    end
    expect(waiting).to be_alive
    go_on
    expect(waiting.value).to eq("1")
    eventually("the old process has ended") { gone?(pid) }
    stop
  end

  it "answers with the error, and its place, until it is mended" do
    start_server
    write("version.rb", "VERSION = 2\nclass {\n")
    response = get("/", "accept" => "application/json")
    expect(response.status).to eq(500)
    told = JSON.parse(response.body)
    expect(told["exception"]).to include("class" => "Kino::AppLoadError")
    expect(told["exception"]["cause"]).to include("class" => "SyntaxError")
    expect(told["exception"]["cause"]["source"]["place"]).to match(/\Aversion\.rb:[23]\z/)
    expect(get("/", "accept" => "text/html").body).to include("<h1>Kino::AppLoadError</h1>", "Caused by SyntaxError")
    write("version.rb", "raise 'not now'\n")
    expect(get.body).to include("not now")
    write("version.rb", "exit 3\n")
    expect(get.body).to include("the app has ended its boot: exit (SystemExit)")
    version(4)
    expect(get.body).to eq("4")
    stop
  end

  it "starts with an app that can't be loaded, and with settings that can't be used it goes on" do
    write("config.ru", "run nothing_there")
    write("kino.rb", "threads 3\n")
    start_reloading
    expect(get.body).to include("nothing_there", "\n  > 1 | run nothing_there\n")
    write("config.ru", "run ->(env) { [200, {}, ['mended']] }")
    expect(get.body).to eq("mended")
    write("kino.rb", "treads 3\n")
    expect(get.body).to include("kino.rb:1: treads: there is no such setting; did you mean threads?")
    write("kino.rb", "threads 2\n")
    expect(get.body).to eq("mended")
    stop
    expect(@server.err).to include("kino: config.ru could not be loaded: NameError: undefined local variable")
  end

  it "hands requests over as they came" do
    start_server
    content = Random.bytes(300_000)
    hello = { "x-own" => "caf\xE9".b, "cookie" => "a=b; c=d", "host" => "app.test:8080" }
    keep do |client|
      before = Marshal.load(client.get("/env?a=%20b", hello).body)
      version(2)
      after = Marshal.load(client.get("/env?a=%20b", hello).body)
      differing = %w[HTTP_CONNECTION REMOTE_PORT rack.url_scheme]
      expect(after.except(*differing)).to eq(before.except(*differing))
      expect(after["rack.url_scheme"]).to eq("http")
    end
    [["/echo", "POST", content], ["/echo", "PUT", ""], ["/stream", "GET", nil], ["/", "HEAD", nil]]
      .each.with_index(3) do |(path, method, body), number|
      keep do |client|
        version(number)
        response = client.request(method, path, {}, body)
        expect(response.status).to eq(200)
        case path
        when "/echo"
          expect([response.body == "#{method}#{body}".b, response.values("x-two")]).to eq([true, %w[a b]])
        when "/stream" then expect(response.body).to eq("#{number}.0 #{number}.1 #{number}.2 ")
        else expect([response.body, response["content-length"]]).to eq(["", "1"])
        end
      end
    end
    keep do |client|
      version(9)
      chunked = "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
      expect(client.write(chunked).read_response.body).to eq("POSTabc")
    end
    keep do |client|
      version(10)
      response = client.get("/", "connection" => "upgrade", "upgrade" => "websocket")
      expect([response.status, response["retry-after"]]).to eq([503, "0"])
    end
    keep do |client|
      version(11)
      expect(client.get("/raise").body).to include("RuntimeError: out of order")
    end
    keep do |client| # which says no host
      version(12)
      expect(client.write("GET / HTTP/1.0\r\n\r\n").read_response.body).to eq("12")
    end
    stop
  end

  it "breaks an answer off for the client, too, that breaks off where it was handed over to" do
    start_server
    keep do |client|
      version(2)
      expect { client.get("/broken") }.to raise_error(RawClient::Truncated)
    end
    told = /RuntimeError: out of order|out of order \(RuntimeError\)/
    eventually("it is told") { @server.err.match?(told) }
    keep do |client|
      version(3)
      expect(client.get("/stream").body).to eq("3.0 3.1 3.2 ")
    end
  end

  it "shows errors to this machine alone, by whichever way they were handed over" do
    start_server
    keep do |client|
      version(2)
      expect(client.get("/raise", "x-forwarded-for" => "203.0.113.7").body).to eq("Internal Server Error\n")
    end
  end

  it "has many clients served at once while code changes" do
    start_server
    written = 1
    is_over = false
    askers = Array.new(4) do
      Thread.new do
        until is_over
          least = written
          expect(Integer(get.body)).to be_between(least, written + 1)
        end
      end
    end
    (2..8).each do |number|
      write("version.rb.new", "VERSION = #{number}\n")
      File.rename("#{folder}/version.rb.new", "#{folder}/version.rb")
      written = number
      expect(get.body).to eq(number.to_s)
    end
    is_over = true
    askers.each(&:value)
    stop
  end

  it "boots anew when it is told to, and has another process where one has died" do
    start_server
    pid = get("/pid").body.to_i
    @server.signal(:USR1)
    @server.wait_for(/^Reloading: on request$/)
    pid = eventually("another serves") { (now = get("/pid").body.to_i) != pid && now }
    Process.kill(:KILL, pid)
    expect(get("/pid").body.to_i).not_to eq(pid)
    eventually("it is said") { @server.err.match?(/^kino: the app's process died \(pid \d+ SIGKILL/) }
    stop
  end

  { "ends" => "exit!", "takes for ever" => "sleep" }.each do |what, code|
    it "boots what was mended, where what is in its place #{what} at boot" do
      start_server
      write("version.rb", "File.write('tmp/boots', '')\n#{code}\n")
      eventually("it boots") { File.exist?("#{folder}/tmp/boots") }
      # By then the next one would be long in coming.
      eventually("it is given up for a while") { @server.err.include?("takes its place in 8 s") } if code == "exit!"
      version(2)
      expect(get("/").body).to eq("2")
      expect(@server.out.scan(/^Reloading: version\.rb$/).size).to eq(2)
      stop
    end
  end

  it "listens at unix sockets, whose files are there until it ends" do
    write("config.ru", app)
    version(1)
    @server = kino("--reload", "-b", "unix://#{folder}/app.sock", env: { "TMPDIR" => "#{folder}/tmp" })
    @server.wait_for(/^Listening on/)
    path = "unix://#{folder}/app.sock"
    ask = -> { RawClient.open(path) { |client| client.get("/").body } }
    expect(ask.call).to eq("1")
    version(2)
    expect([ask.call, ask.call]).to eq(%w[2 2])
    stop
    expect(File).not_to exist("#{folder}/app.sock")
  end

  it "ends with 0 where a process that was about to end is ended by the signal itself" do
    write("config.ru", <<~RUBY)
      at_exit do
        unless File.exist?("tmp/ending")
          trap("TERM", "DEFAULT")
          File.write("tmp/ending", "")
          sleep
        end
      end
      #{app}
    RUBY
    version(1)
    start_reloading
    expect(get.body).to eq("1")
    version(2)
    expect(get.body).to eq("2")
    eventually("the first one is at its end") { File.exist?("#{folder}/tmp/ending") }
    stop
  end

  it "hands requests over that have come by TLS, and in HTTP/2" do
    write("config.ru", <<~RUBY)
      require_relative "version"
      run ->(env) { [200, {}, [[VERSION, *env.values_at("rack.url_scheme", "HTTPS", "SERVER_PROTOCOL")].join(" ")]] }
    RUBY
    version(1)
    @server = kino("--reload", "--dev-tls", "-p", "0", env: { "TMPDIR" => "#{folder}/tmp", "XDG_STATE_HOME" => folder })
    RawClient.open(@server.url) do |http1|
      Http2Client.open(@server.url) do |http2|
        (1..2).each do |number|
          version(number) if number > 1
          expect(http1.get("/").body).to eq("#{number} https on HTTP/1.1")
          expect(http2.get((number * 2) - 1).body).to eq("#{number} https on HTTP/2")
        end
      end
    end
  end

  it "leaves nobody behind when it is killed" do
    start_server
    pid = get("/pid").body.to_i
    @server.kill
    eventually("the app's process has ended") { gone?(pid) }
  end

  # Tells it to stop while one request is in an old process, and newer code has served another.
  def stop_with_one_in_old_code
    start_server
    waiting = wait_in_app
    version(2)
    expect(get.body).to eq("2")
    @server.signal(:TERM)
    @server.wait_for(/^Stopping/)
    waiting
  end

  it "finishes what runs, in old processes too, when it is told to stop, and ends with status 0" do
    waiting = stop_with_one_in_old_code
    go_on
    expect(waiting.value).to eq("1")
    expect(@server.status).to eq(0)
  end

  it "ends without what still runs when its time is over, with status 1, and at once on a second signal" do
    waiting = stop_with_one_in_old_code
    sleep 1.1 # in which another signal is the same wish
    expect(@server.signal(:TERM).status).to eq(143)
    expect { waiting.value }.to raise_error(StandardError)

    File.delete("#{folder}/tmp/waits")
    write("kino.rb", "shutdown_timeout 0.3")
    start_server
    waiting = wait_in_app
    expect(@server.signal(:TERM).status).to eq(1)
    expect(@server.err).to match(%r{^kino: gave up GET /wait, for })
    waiting.join # which was answered with 503, if there was time for that
  end

  it "is refused in production, and says what it leaves out" do
    write("config.ru", app)
    server = kino("--reload", "-e", "production")
    expect([server.status, server.err])
      .to eq([1, "kino: --reload: is for development, and the environment is production; leave --reload out\n"])
    start_server("-m", "ractor", "--processes", "3")
    expect(@server.out).to include("mode ractor and processes: nothing with --reload, which serves in one process of ",
                                   "Reloading: a change in #{folder} boots the app anew")
    stop
  end

  it "is told of changes by the gem listen, where there is one" do
    Dir.mktmpdir do |gems|
      File.write("#{gems}/listen.rb", <<~RUBY)
        module Listen
          def self.to(folder, &block) = new_listener(folder, block)
          def self.new_listener(folder, block)
            Object.new.tap do |listener|
              listener.define_singleton_method(:start) { $stdout.puts "listening to \#{folder}" }
              listener.define_singleton_method(:stop) { nil }
            end
          end
        end
      RUBY
      start_server(env: { "RUBYLIB" => gems })
      @server.wait_for(/^listening to #{folder}$/)
      stop
    end
  end

  def gone?(pid)
    Process.kill(0, pid) && File.read("/proc/#{pid}/stat").match?(/\) Z/)
  rescue Errno::ESRCH, Errno::ENOENT
    true
  end

  def write_deep(path, text)
    FileUtils.mkdir_p(File.dirname(File.join(folder, path)))
    write(path, text)
  end
end
