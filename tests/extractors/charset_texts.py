"""Sentences of our own in many languages, and the charsets that can write them. Used by the decoding tests."""

from __future__ import annotations

# name -> (text, Python codecs that can encode it, WHATWG name of each is derived by the tests)
TEXTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "french": (
        "La dérivée d'une fonction mesure à quel point sa valeur change lorsque la variable bouge très légèrement. "
        "Même si l'idée paraît abstraite, les élèves la comprennent dès qu'on trace la tangente à la courbe.",
        ("cp1252", "latin-1", "iso8859-15", "mac-roman"),
    ),
    "german": (
        "Für jede natürliche Zahl größer als eins gibt es eine eindeutige Zerlegung in Primfaktoren. "
        "Der Beweis läßt sich über die vollständige Induktion führen, wobei man möglichst kleine Gegenbeispiele prüft.",
        ("cp1252", "latin-1", "iso8859-15", "cp1250", "iso8859-2"),
    ),
    "spanish": (
        "El año pasado los niños aprendieron a sumar fracciones con una receta de cocina. ¿Cuánto azúcar hace falta? "
        "La lección también mostró por qué la división entre cero no está definida.",
        ("cp1252", "latin-1", "iso8859-15"),
    ),
    "portuguese": (
        "A solução da equação não é única: há infinitas funções cuja derivada é zero em toda a região. "
        "Por isso escrevemos uma constante de integração, que as condições iniciais irão fixar.",
        ("cp1252", "latin-1", "iso8859-15"),
    ),
    "swedish": (
        "Läraren ritade en cirkel på tavlan och frågade hur många gånger diametern får plats längs omkretsen. "
        "Några gissade tre, andra något mer än så, och då började lektionen på allvar.",
        ("cp1252", "latin-1", "iso8859-15", "iso8859-10", "iso8859-4"),
    ),
    "polish": (
        "Twierdzenie mówi, że każda ciągła funkcja na odcinku domkniętym osiąga swoje kresy. Dowód zaczynamy od "
        "założenia przeciwnego, a następnie wybieramy ciąg zbieżny, który prowadzi do sprzeczności.",
        ("cp1250", "iso8859-2"),
    ),
    "czech": (
        "Příklad ukazuje, že součet úhlů v trojúhelníku závisí na tom, na jaké ploše jej měříme. "
        "Na kouli vyjde vždy více než dva pravé úhly, což žáky obvykle překvapí nejvíce ze všeho.",
        ("cp1250", "iso8859-2"),
    ),
    "hungarian": (
        "A tétel szerint minden páros szám, amely nagyobb kettőnél, felírható két prímszám összegeként. "
        "Ezt még senki sem bizonyította, bár számítógéppel óriási tartományt ellenőriztek már.",
        ("cp1250", "iso8859-2"),
    ),
    "romanian": (
        "Pentru a rezolva ecuația folosim o substituție simplă și obținem o funcție liniară în variabila nouă. "
        "Răspunsul îl verificăm întotdeauna la sfârșit, înlocuind înapoi în relația inițială.",
        ("iso8859-16",),
    ),
    "turkish": (
        "Öğrenciler bu dersin sonunda üçgenin iç açılarının toplamını kendileri ispatladılar. İşin güzel yanı, "
        "kâğıttan kesilmiş köşeleri yan yana koyunca doğru bir çizgi oluştuğunu görmeleriydi.",
        ("cp1254", "iso8859-9"),
    ),
    "lithuanian": (
        "Šiame skyriuje parodysime, kaip žinant dviejų kraštinių ilgį ir kampą tarp jų galima apskaičiuoti trikampio "
        "plotą. Užduotys išdėstytos nuo lengvesnių iki sudėtingų, o atsakymai pateikti knygos gale.",
        ("cp1257", "iso8859-13"),
    ),
    "latvian": (
        "Skolēni mērīja koku ēnas garumu pagalmā un pēc līdzīgiem trijstūriem aprēķināja, cik augsts ir katrs koks. "
        "Rezultāti atšķīrās tikai nedaudz, tāpēc metode izrādījās pietiekami precīza.",
        ("cp1257", "iso8859-13"),
    ),
    "russian": (
        "Интеграл неотрицательной функции равен площади фигуры под её графиком. Чтобы найти эту площадь, разобьём "
        "отрезок на мелкие части и сложим площади узких прямоугольников, а затем перейдём к пределу.",
        ("cp1251", "koi8-r", "iso8859-5", "cp866", "mac-cyrillic", "koi8-u"),
    ),
    "ukrainian": (
        "Учні склали рівняння за умовою задачі та з'ясували, що воно має лише один додатний корінь. "
        "Найцікавіше, що відповідь не залежить від того, якої довжини була їхня перша сторона ґратки.",
        ("cp1251", "koi8-u"),
    ),
    "bulgarian": (
        "Доказателството използва само това, че произведението на две нечетни числа също е нечетно. "
        "Ако приемем обратното, стигаме до противоречие още на втората стъпка от разсъждението.",
        ("cp1251", "iso8859-5", "mac-cyrillic"),
    ),
    "greek": (
        "Το εμβαδόν του τριγώνου ισούται με το μισό του γινομένου της βάσης επί το ύψος. Η απόδειξη γίνεται "
        "συμπληρώνοντας το σχήμα ώστε να προκύψει παραλληλόγραμμο με την ίδια βάση.",
        ("cp1253", "iso8859-7"),
    ),
    "hebrew": (
        "סכום הזוויות במשולש הוא מאה ושמונים מעלות. כדי להוכיח זאת מעבירים ישר מקביל לבסיס דרך הקודקוד העליון "
        "ומשתמשים בזוויות מתחלפות בין ישרים מקבילים.",
        ("cp1255", "iso8859-8"),
    ),
    "arabic": (
        "مجموع زوايا المثلث يساوي مجموع زاويتين قائمتين. لإثبات ذلك نرسم مستقيما يوازي القاعدة ويمر بالرأس المقابل "
        "ثم نقارن الزوايا المتبادلة بين المستقيمين المتوازيين.",
        ("cp1256", "iso8859-6"),
    ),
    "thai": (
        "ผลบวกของมุมภายในรูปสามเหลี่ยมเท่ากับสองมุมฉากเสมอ นักเรียนพิสูจน์ได้ด้วยการลากเส้นตรงขนานกับฐาน"
        "ผ่านจุดยอดแล้วเปรียบเทียบมุมแย้งที่เกิดขึ้น",
        ("cp874", "tis-620"),
    ),
    "vietnamese": (
        "Giáo viên vẽ một tam giác và hỏi các em vì sao tổng ba góc luôn bằng nhau.",
        (),  # windows-1258 writes tones as combining marks; see test_charset_decoders
    ),
    "japanese": (
        "関数のグラフと横軸で囲まれた図形の面積を積分で求める。まず区間を細かく分け、それぞれの長方形の面積を足し合わせる。"
        "分割を限りなく細かくすると、その和は一定の値に近づく。これがリーマン積分の考え方である。",
        ("shift_jis", "cp932", "euc-jp", "iso2022-jp"),
    ),
    "chinese_simplified": (
        "三角形的内角和等于一百八十度。证明时过顶点作一条与底边平行的直线，再利用内错角相等就可以得到结论。"
        "这个方法简单直观，学生在课堂上自己动手画一画很快就能明白其中的道理。",
        ("gb2312", "gbk", "gb18030"),
    ),
    "chinese_traditional": (
        "三角形的內角和等於一百八十度。證明時過頂點作一條與底邊平行的直線，再利用內錯角相等就可以得到結論。"
        "這個方法簡單直觀，學生在課堂上自己動手畫一畫很快就能明白其中的道理。",
        ("big5", "big5hkscs", "gb18030"),
    ),
    "korean": (
        "삼각형의 세 내각의 합은 항상 두 직각과 같다. 이를 증명하려면 꼭짓점을 지나고 밑변에 평행한 직선을 긋고 "
        "엇각이 서로 같다는 사실을 이용하면 된다. 학생들은 종이를 오려서 직접 확인해 보았다.",
        ("euc-kr", "cp949"),
    ),
}
UNICODE_CODECS = ("utf-8", "utf-8-sig", "utf-16")
# Python codec -> WHATWG name of the encoding whose decoder must read its bytes.
WHATWG = {
    "cp1250": "windows-1250", "cp1251": "windows-1251", "cp1252": "windows-1252", "cp1253": "windows-1253",
    "cp1254": "windows-1254", "cp1255": "windows-1255", "cp1256": "windows-1256", "cp1257": "windows-1257",
    "cp874": "windows-874", "tis-620": "windows-874", "latin-1": "windows-1252", "iso8859-9": "windows-1254",
    "iso8859-2": "iso-8859-2", "iso8859-4": "iso-8859-4", "iso8859-5": "iso-8859-5", "iso8859-6": "iso-8859-6",
    "iso8859-7": "iso-8859-7", "iso8859-8": "iso-8859-8", "iso8859-10": "iso-8859-10", "iso8859-13": "iso-8859-13",
    "iso8859-15": "iso-8859-15", "iso8859-16": "iso-8859-16", "mac-roman": "macintosh", "mac-cyrillic": "x-mac-cyrillic",
    "koi8-r": "koi8-r", "koi8-u": "koi8-u", "cp866": "ibm866", "shift_jis": "shift_jis", "cp932": "shift_jis",
    "euc-jp": "euc-jp", "iso2022-jp": "iso-2022-jp", "gb2312": "gbk", "gbk": "gbk", "gb18030": "gb18030",
    "big5": "big5", "big5hkscs": "big5", "euc-kr": "euc-kr", "cp949": "euc-kr",
    "utf-8": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-16le",
}  # fmt: skip
