# frozen_string_literal: true

RSpec.describe "examples/sse" do
  after { @server&.kill }

  def start(**env)
    @server = Example.run("sse", KinoProcess::KINO, "-b", "tcp://127.0.0.1:0", env: env.transform_keys(&:to_s))
  end

  # A client that has been welcomed: the hub has its stream.
  def listen(seen = nil) = ask(seen).tap { |client| welcome(client) }

  def ask(seen = nil)
    RawClient.open(@server.url).write(RawClient.message("GET", "/events", { "last-event-id" => seen }))
  end

  def welcome(client)
    expect(client.read_through("retry: 1000\n\n")).to match(%r{\AHTTP/1.1 200 .*^content-type: text/event-stream}m)
  end

  # The next event: its id, and what was said.
  def hear(client)
    event = client.read_through("data: ") + client.read_through("\n\n")
    [Integer(event[/^id: (\d+)$/, 1]), event.scan(/^data: (.*)$/).join("\n")]
  end

  def say(*messages)
    RawClient.open(@server.url) do |client|
      messages.each { |message| expect(client.post("/say", message).status).to eq(202) }
    end
  end

  def listeners = Integer(@server.get("/listeners").body)

  def expect_listeners(count) = eventually("the hub has #{count}") { listeners == count }

  it "answers as its README says, and ends with exit status 0 and every answer whole" do
    start
    expect(@server.get("/").body).to include('new EventSource("/events")')
    expect(@server.get("/elsewhere").status).to eq(404)
    clients = [listen, listen]
    expect_listeners(2)
    say("hello", "two\nlines")
    clients.each do |client|
      (first, hello), (second, lines) = hear(client), hear(client)
      expect([second - first, hello, lines]).to eq([1, "hello", "two\nlines"])
    end
    RawClient.open(@server.url) do |client|
      expect(["", " \n", "x" * 10_001].map { |message| client.post("/say", message).status }).to eq([400, 400, 413])
    end
    expect(@server.signal(:TERM).status).to eq(0)
    expect(clients.map(&:read_to_end)).to all(end_with("\r\n0\r\n\r\n"))
    expect(Example.complaints(@server)).to eq("")
  end

  context "with a thousand listeners, each a descriptor here and one of the server's" do
    before do
      @limits = Process.getrlimit(:NOFILE)
      skip "the limit of open files can't be raised to 2,500" if @limits.last < 2_500
      Process.setrlimit(:NOFILE, [@limits.first, 2_500].max, @limits.last)
    end

    after { Process.setrlimit(:NOFILE, *@limits) }

    it "tells all of them, on two threads that answer others meanwhile" do
      start
      clients = Array.new(1_000) { ask }
      expect(@server.get("/").status).to eq(200)
      clients.each { |client| welcome(client) }
      expect_listeners(1_000)
      5.times do |round|
        say("message #{round}")
        expect(@server.get("/").status).to eq(200)
      end
      heard = clients.map { |client| Array.new(5) { hear(client) } }
      expect(heard.uniq.map { |events| events.map(&:last) }).to eq([Array.new(5) { |round| "message #{round}" }])
      expect(@server.signal(:TERM).status).to eq(0)
      expect(clients.map(&:read_to_end)).to all(end_with("\r\n0\r\n\r\n"))
      clients.each(&:close)
    end
  end

  it "forgets who has left when there is something to say, or nothing for a while" do
    start(HEARTBEAT: "0.2")
    stays, closes, aborts = listen, listen, listen
    expect_listeners(3)
    closes.close
    aborts.abort
    expect_listeners(1)
    expect(stays.read_through(": still here\n\n")).not_to include("data:")
    say("who is here?")
    expect(hear(stays).last).to eq("who is here?")
  end

  it "tells whoever comes back what they have missed, as far as it is kept, and a stranger nothing" do
    start
    leaves = listen
    say("before")
    seen, = hear(leaves)
    leaves.close
    missed = Array.new(20) { |number| "missed #{number}" }
    say(*missed)
    back, stranger, other_run = listen(seen), listen, listen(1)
    expect(Array.new(20) { hear(back) }).to eq(missed.map.with_index(seen + 1) { |message, id| [id, message] })
    say("news")
    expect([back, stranger].map { |client| hear(client) }).to eq([[seen + 21, "news"]] * 2)
    expect(Array.new(22) { hear(other_run).last }).to eq(["before", *missed, "news"])

    say(*Array.new(100) { |number| "more #{number}" })
    expect(hear(listen(seen))).to eq([seen + 22, "more 0"])
  end

  it "passes over a client that does not read, which loses its connection in the end, and keeps the others" do
    start
    slow, quick = ask, listen
    welcome(slow)
    said = 0
    eventually("it is dropped") do
      messages = Array.new(50) { |number| "#{said + number} ".ljust(9_000, "x") }
      say(*messages)
      expect(messages.map { hear(quick).last } == messages).to be(true)
      said += 50
      listeners == 1
    end
    rest = slow.read_to_end
    expect(rest).to include("data: 0 x").and match(/\A(?!.*\r\n0\r\n\r\n\z)/m)
    heard = rest.scan(/^data: (\d+) /).map { |number,| Integer(number) }
    expect(heard).to eq([*0...heard.size])
    expect(said - heard.size).to be > 100
  end
end
